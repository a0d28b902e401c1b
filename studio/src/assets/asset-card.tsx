import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/contract/types";
import { formatBytes, formatDateTime } from "@/messages/format";
import { api, unwrap } from "@/service/api";
import { downloadFile } from "@/service/download";
import { usePresignedUrl } from "@/service/presigned-url";
import { Button, IconButton, Notice, useAction } from "@/ui";
import styles from "./asset-card.module.css";
import { DeleteDialog, UseDialog } from "./dialogs";

const Viewer = lazy(async () => ({ default: (await import("@/canvas/viewer")).Viewer }));

const EXTENSIONS: Record<Asset["content_type"], string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/heic": "heic",
};

interface AssetCardProps {
  asset: Asset;
  /** Called when the service returned a newer version of the asset. */
  onChange(asset: Asset): void;
  /** Called after the deletion; `name` is the asset's former name. */
  onDeleted(name: string): void;
}

/** A card for one asset of the library, with its actions. */
export function AssetCard({ asset, onChange, onDeleted }: AssetCardProps) {
  const { t, i18n } = useTranslation("assets");
  const [openDialog, setOpenDialog] = useState<"viewer" | "use" | "delete" | null>(null);
  const refetch = () =>
    unwrap(api.GET("/assets/{asset_id}", { params: { path: { asset_id: asset.asset_id } } })).then((now) => {
      onChange(now);
      return now;
    });
  const picture = usePresignedUrl(asset.asset_id, asset.url, () => void refetch().catch(() => undefined));
  const download = useAction();
  const name = asset.name ?? t("unnamed");
  const { width, height, size } = asset;
  const close = () => setOpenDialog(null);

  const save = async () => {
    const file = fileName(name, asset);
    await (asset.url ? downloadFile(asset.url, file) : Promise.reject()).catch(async () => {
      // The presigned URL may have expired.
      const { url } = await refetch();
      await downloadFile(url ?? "", file);
    });
  };

  return (
    <li className={styles.card}>
      {picture.url === null || asset.content_type === "image/heic" ? (
        <p className={styles.placeholder}>
          {t(asset.state === "failed" ? "rejected" : picture.url === null ? "awaiting_upload" : "no_preview")}
        </p>
      ) : (
        <button type="button" className={styles.preview} onClick={() => setOpenDialog("viewer")}>
          <img src={picture.url} alt={t("open", { name })} loading="lazy" decoding="async" onError={picture.onError} />
        </button>
      )}
      <p className={styles.name} title={name}>
        {name}
      </p>
      <p className={styles.facts}>
        {width && height ? t("facts", { width, height, size: formatBytes(size ?? 0, i18n.language) }) : null}
        <time dateTime={asset.created_at}>{formatDateTime(asset.created_at, i18n.language)}</time>
      </p>
      {asset.error && <Notice tone="bad" title={asset.error.message} />}
      <div className={styles.actions}>
        <Button
          icon="make"
          aria-label={t("use_asset", { name })}
          disabled={asset.state !== "ready"}
          onClick={() => setOpenDialog("use")}
        >
          {t("use")}
        </Button>
        <IconButton
          icon="download"
          label={t("download_asset", { name })}
          disabled={asset.state !== "ready"}
          onClick={() => download.run(save)}
        />
        <IconButton icon="trash" label={t("delete_asset", { name })} onClick={() => setOpenDialog("delete")} />
      </div>
      {download.error && <Notice tone="bad" title={t("download_failed", { name })} />}
      {openDialog === "use" && <UseDialog asset={asset} onClose={close} />}
      {openDialog === "delete" && (
        <DeleteDialog asset={asset} name={name} onClose={close} onDeleted={() => onDeleted(name)} />
      )}
      {openDialog === "viewer" && (
        <Suspense fallback={null}>
          <Viewer
            picture={picture}
            width={width ?? 1}
            height={height ?? 1}
            name={fileName(name, asset)}
            download={save}
            onClose={close}
          />
        </Suspense>
      )}
    </li>
  );
}

/** The file name for a download, with an extension that matches the content type. */
function fileName(name: string, { content_type }: Asset): string {
  const extension = EXTENSIONS[content_type];
  return name.toLowerCase().endsWith(`.${extension}`) ? name : `${name.replaceAll(/[/\\:]/g, "-")}.${extension}`;
}
