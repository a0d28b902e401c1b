import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Asset, Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { api, unwrap } from "@/service/api";
import { ServiceError } from "@/service/error";
import { Button, ButtonRow, Dialog, ErrorNotice, useAction } from "@/ui";
import styles from "./asset-card.module.css";

/** The kinds and roles that accept a picture of the library. */
const USES = [
  { kind: "restyle_room", role: "photo", words: "uses.restyle_room_photo" },
  { kind: "inpaint", role: "photo", words: "uses.inpaint_photo" },
  { kind: "upscale", role: "photo", words: "uses.upscale_photo" },
  { kind: "face_swap", role: "target", words: "uses.face_swap_target" },
  { kind: "face_swap", role: "source", words: "uses.face_swap_source" },
  { kind: "render_video", role: "avatar", words: "uses.render_video_avatar" },
] as const satisfies readonly { kind: Kind; role: string; words: string }[];

/** A dialog that chooses a kind for an asset, and opens that kind's form with the asset as input. */
export function UseDialog({ asset, onClose }: { asset: Asset; onClose(): void }) {
  const { t } = useTranslation("assets");
  const [, navigate] = useLocation();
  return (
    <Dialog title={t("use_title")} onClose={onClose}>
      <ul className={styles.uses}>
        {USES.map(({ kind, role, words }) => (
          <li key={words}>
            <Button
              onClick={() => {
                useFileIntake.getState().setError(kind, role, null);
                useDrafts.getState().setInput(kind, role, { type: "asset", asset });
                navigate(`/make/${kind}`);
              }}
            >
              {t(words)}
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
      <div className={styles.question}>
        <p>{t("delete_text", { name })}</p>
        {error && <ErrorNotice title={t("delete_failed")} error={error} />}
        <ButtonRow>
          <Button variant="danger" icon="trash" busy={busy} disabled={busy} onClick={() => run(remove)}>
            {t("delete")}
          </Button>
          <Button onClick={onClose}>{t("keep")}</Button>
        </ButtonRow>
      </div>
    </Dialog>
  );
}
