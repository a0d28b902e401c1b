import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Asset } from "@/contract/types";
import { api, unwrap } from "@/service/api";
import { type ServiceError, toServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { Button, buttonClass, Dialog, EmptyState, Loading, Notice } from "@/ui";
import styles from "./asset-picker.module.css";

interface AssetPickerProps {
  onChoose(asset: Asset): void;
  onClose(): void;
}

/** A dialog that chooses a picture of the asset library as input. */
export function AssetPicker({ onChoose, onClose }: AssetPickerProps) {
  const { t } = useTranslation("compose");
  const [assets, setAssets] = useState<Asset[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<ServiceError | null>(null);

  const load = useCallback(async (after: string | null) => {
    setError(null);
    try {
      const page = await unwrap(api.GET("/assets", { params: { query: after ? { cursor: after } : {} } }));
      const ready = page.assets.filter(({ state, url }) => state === "ready" && url);
      setAssets((before) => [...(after && before ? before : []), ...ready]);
      setCursor(page.cursor ?? null);
    } catch (thrown) {
      setError(toServiceError(thrown));
    }
  }, []);
  useEffect(() => {
    void load(null);
  }, [load]);

  return (
    <Dialog title={t("asset_picker.title")} onClose={onClose}>
      {assets === null && !error && <Loading>{t("asset_picker.loading")}</Loading>}
      {assets?.length === 0 && !cursor && (
        <EmptyState
          icon="assets"
          title={t("asset_picker.empty")}
          action={
            <Link href="/assets" className={buttonClass("secondary")}>
              {t("asset_picker.open")}
            </Link>
          }
        >
          <p>{t("asset_picker.empty_hint")}</p>
        </EmptyState>
      )}
      <ul className={styles.assets}>
        {assets?.map((asset) => (
          <li key={asset.asset_id}>
            <button type="button" className={styles.asset} onClick={() => onChoose(asset)}>
              {asset.url && asset.content_type !== "image/heic" && <img src={asset.url} alt="" loading="lazy" />}
              <span>{asset.name ?? t("input_file.asset")}</span>
            </button>
          </li>
        ))}
      </ul>
      {error && (
        <Notice
          tone="bad"
          title={errorMessage(error).title}
          action={<Button onClick={() => void load(cursor)}>{t("retry")}</Button>}
        />
      )}
      {cursor && !error && <Button onClick={() => void load(cursor)}>{t("asset_picker.more")}</Button>}
    </Dialog>
  );
}
