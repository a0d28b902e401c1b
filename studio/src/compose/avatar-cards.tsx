import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useIntake } from "@/drafts/file-intake";
import { useDraft } from "@/drafts/use-draft";
import { useWords } from "@/messages/labels";
import { Button, Notice, RadioCard } from "@/ui";
import styles from "./avatar-cards.module.css";
import { useListOf } from "./option-lists";

/** The portraits that come with the service, to be taken in place of a file. */
export function AvatarCards({ kind, role }: { kind: Kind; role: string }) {
  const { t } = useTranslation("compose");
  const words = useWords();
  const { list, error, retry } = useListOf("avatars");
  const material = useDraft(kind).materials[role];
  const name = useId();
  if (error) {
    return <Notice title={t("avatars_failed")} action={<Button onClick={retry}>{t("retry")}</Button>} />;
  }
  return (
    <fieldset className={styles.avatars}>
      <legend className={styles.legend}>{t("avatars_legend")}</legend>
      <div className={styles.cards}>
        {(list ?? []).map((avatar) => (
          <RadioCard
            key={avatar.name}
            className={styles.card}
            title={words.avatar(avatar.name, avatar.description)}
            name={name}
            value={avatar.name}
            checked={material?.type === "avatar" && material.name === avatar.name}
            onChange={() => {
              useIntake.getState().refuse(kind, role, null);
              const chosen = { type: "avatar" as const, name: avatar.name, url: avatar.picture };
              useDrafts.getState().setMaterial(kind, role, chosen);
            }}
          >
            <img src={avatar.picture} alt={words.avatar(avatar.name, avatar.description)} />
            <span>{avatar.title}</span>
          </RadioCard>
        ))}
      </div>
    </fieldset>
  );
}
