import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { useDraft } from "@/drafts/use-draft";
import { useLabels } from "@/messages/labels";
import { useOptionList } from "@/service/option-lists";
import { Button, Notice, RadioCard } from "@/ui";
import styles from "./avatar-cards.module.css";

/** Cards of the service's avatars, to be used as input instead of a file. */
export function AvatarCards({ kind, role }: { kind: Kind; role: string }) {
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const { list, error, retry } = useOptionList("avatars");
  const input = useDraft(kind).inputs[role];
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
            title={labels.avatar(avatar.name, avatar.description)}
            name={name}
            value={avatar.name}
            checked={input?.type === "avatar" && input.name === avatar.name}
            onChange={() => {
              useFileIntake.getState().setError(kind, role, null);
              const chosen = { type: "avatar" as const, name: avatar.name, url: avatar.picture };
              useDrafts.getState().setInput(kind, role, chosen);
            }}
          >
            <img src={avatar.picture} alt={labels.avatar(avatar.name, avatar.description)} />
            <span>{avatar.title}</span>
          </RadioCard>
        ))}
      </div>
    </fieldset>
  );
}
