import { type DragEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/service/api";
import { usePagedList } from "@/service/paged-list";
import { Button, EmptyState, ErrorNotice, Loading, VisuallyHidden } from "@/ui";
import { AssetCard } from "./asset-card";
import { useAssetUploads } from "./asset-uploads";
import styles from "./page.module.css";
import { UploadList } from "./upload-list";

const PAGE_SIZE = 24;
const PICTURES = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif";

/** The asset library page: pictures that outlive the jobs they came from. */
export function AssetsPage() {
  const { t } = useTranslation("assets");
  const { items, hasMore, busy, error, loadMore, updateItems } = usePagedList("", async (cursor) => {
    const page = await unwrap(api.GET("/assets", { params: { query: { cursor, limit: PAGE_SIZE } } }));
    return { items: page.assets, cursor: page.cursor ?? null };
  });
  const uploads = useAssetUploads((state) => state.uploads);
  const [announcement, setAnnouncement] = useState("");
  const [draggedOver, setDraggedOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  const add = (files: FileList | null) => {
    if (files && files.length > 0) void useAssetUploads.getState().add([...files]);
  };
  const onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setDraggedOver(true);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: `updateItems` is new in every render
  useEffect(() => {
    for (const { id, asset } of uploads) {
      if (!asset) continue;
      updateItems((now) => [asset, ...now.filter(({ asset_id }) => asset_id !== asset.asset_id)]);
      useAssetUploads.getState().clearAsset(id);
    }
  }, [uploads]);
  useEffect(() => {
    const onPaste = ({ clipboardData }: ClipboardEvent) => add(clipboardData?.files ?? null);
    addEventListener("paste", onPaste);
    return () => removeEventListener("paste", onPaste);
  });

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the button does the same
    <div
      className={draggedOver ? `${styles.page} ${styles.over}` : styles.page}
      onDragOver={onDragOver}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setDraggedOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setDraggedOver(false);
        add(event.dataTransfer.files);
      }}
    >
      <header className={styles.head}>
        <div>
          <h1>{t("title")}</h1>
          <p className={styles.quiet}>{t("lead")}</p>
        </div>
        <div className={styles.add}>
          <Button variant="primary" icon="upload" onClick={() => input.current?.click()}>
            {t("add")}
          </Button>
          <p className={styles.quiet}>{t("drop_hint")}</p>
          <input
            ref={input}
            type="file"
            hidden
            multiple
            accept={PICTURES}
            aria-label={t("add")}
            onChange={({ target }) => {
              add(target.files);
              target.value = "";
            }}
          />
        </div>
      </header>
      <UploadList />
      <div aria-live="polite">
        <VisuallyHidden>{announcement}</VisuallyHidden>
      </div>
      {items.length === 0 && !hasMore && !busy && !error && (
        <EmptyState icon="assets" title={t("empty")}>
          <p>{t("empty_text")}</p>
        </EmptyState>
      )}
      <ul className={styles.list} aria-label={t("pictures")}>
        {items.map((asset) => (
          <AssetCard
            key={asset.asset_id}
            asset={asset}
            onChange={(now) => updateItems((all) => all.map((one) => (one.asset_id === now.asset_id ? now : one)))}
            onDeleted={(name) => {
              updateItems((all) => all.filter((one) => one !== asset));
              setAnnouncement(t("deleted", { name }));
            }}
          />
        ))}
      </ul>
      {error && (
        <ErrorNotice
          title={t("failed")}
          error={error}
          action={
            <Button icon="again" onClick={loadMore}>
              {t("retry")}
            </Button>
          }
        />
      )}
      {busy && <Loading>{t("loading")}</Loading>}
      {hasMore && !busy && !error && (
        <Button className={styles.more} icon="down" onClick={loadMore}>
          {t("more")}
        </Button>
      )}
    </div>
  );
}
