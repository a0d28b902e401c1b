import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { DETECTION_KIND, kindForm } from "@/contract/kinds";
import { KINDS } from "@/contract/schemas";
import type { Asset } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import { useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { kindTitle, kindUse } from "@/messages/kind-texts";
import { useNameLabels } from "@/messages/labels";
import { api, unwrap } from "@/service/api";
import { ServiceError } from "@/service/error";
import { Button, ButtonRow, Dialog, ErrorNotice, useAction } from "@/ui";
import styles from "./asset-card.module.css";

/** The kinds and roles that accept a picture of the library; of a kind's roles, the compared one is first. */
const USES = KINDS.filter((kind) => kind !== DETECTION_KIND).flatMap((kind) => {
  const { comparedRole } = kindForm(kind);
  const roles = uploadRoles(kind).filter(({ media, painted }) => media !== "sound" && !painted);
  const first = roles.filter(({ name }) => name === comparedRole);
  return [...first, ...roles.filter((role) => !first.includes(role))].map(({ name }) => ({
    kind,
    role: name,
    several: roles.length > 1,
  }));
});

/** A dialog that chooses a kind for an asset, and opens that kind's form with the asset as input. */
export function UseDialog({ asset, onClose }: { asset: Asset; onClose(): void }) {
  const { t } = useTranslation("assets");
  const nameLabel = useNameLabels();
  const [, navigate] = useLocation();
  return (
    <Dialog title={t("use_title")} onClose={onClose}>
      <ul className={styles.uses}>
        {USES.map(({ kind, role, several }) => (
          <li key={`${kind}/${role}`}>
            <Button
              onClick={() => {
                useFileIntake.getState().setError(kind, role, null);
                useDrafts.getState().setInput(kind, role, { type: "asset", asset });
                navigate(`/make/${kind}`);
              }}
            >
              {kindUse(kind, role, t) ??
                (several ? `${kindTitle(kind, t)}: ${nameLabel(kind, role)}` : kindTitle(kind, t))}
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

interface DeleteDialogProps {
  asset: Asset;
  name: string;
  onClose(): void;
  onDeleted(): void;
}

/** A confirmation dialog before an asset is deleted. */
export function DeleteDialog({ asset, name, onClose, onDeleted }: DeleteDialogProps) {
  const { t } = useTranslation("assets");
  const { busy, error, run } = useAction();
  const remove = async () => {
    try {
      await unwrap(api.DELETE("/assets/{asset_id}", { params: { path: { asset_id: asset.asset_id } } }));
    } catch (thrown) {
      // Deleted already, in another window or by a request whose response was lost.
      if (!(thrown instanceof ServiceError && thrown.code === "not_found")) throw thrown;
    }
    onDeleted();
  };
  return (
    <Dialog title={t("delete_title")} onClose={onClose}>
      <div className={styles.confirmation}>
        <p>{t("delete_text", { name })}</p>
        {error && <ErrorNotice title={t("delete_failed")} error={error} />}
        <ButtonRow>
          <Button variant="danger" icon="trash" busy={busy} disabled={busy} onClick={() => run(remove)}>
            {t("delete")}
          </Button>
          <Button onClick={onClose}>{t("delete_cancel")}</Button>
        </ButtonRow>
      </div>
    </Dialog>
  );
}
