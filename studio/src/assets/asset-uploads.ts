/** Uploads to the asset library. They continue while another page of the studio is open. */
import { create } from "zustand";
import type { Asset } from "@/contract/types";
import { InputFileError, readInputFile } from "@/drafts/input-file";
import { api, unwrap } from "@/service/api";
import { currentService } from "@/service/deployment";
import { ServiceError, toServiceError } from "@/service/error";
import { sleep } from "@/service/network";
import { uploadToS3 } from "@/service/s3-upload";
import { sha256Of } from "@/service/sha256";

/** One upload; `progress` is from 0 to 1. */
export interface AssetUpload {
  id: string;
  name: string;
  step: "reading" | "sending" | "checking" | "done" | "failed";
  progress: number;
  /** The uploaded asset, until a list has added it. */
  asset: Asset | null;
  error: ServiceError | InputFileError | null;
}

interface AssetUploads {
  uploads: readonly AssetUpload[];
  /** Uploads files to the library, one after the other. */
  add(files: readonly File[]): Promise<void>;
  /** Clears the asset of a finished upload once a list has added it. */
  clearAsset(id: string): void;
  /** Removes an upload that is done or failed from the list. */
  dismiss(id: string): void;
}

const CHECK_MILLISECONDS = 1000;
const MAX_CHECKS = 60;

/** The store of uploads to the asset library. */
export const useAssetUploads = create<AssetUploads>()((set) => {
  const change = (id: string, changes: Partial<AssetUpload>) =>
    set(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, ...changes } : one)) }));
  return {
    uploads: [],
    async add(files) {
      const added = files.map((file): [File, AssetUpload] => [
        file,
        { id: crypto.randomUUID(), name: file.name, step: "reading", progress: 0, asset: null, error: null },
      ]);
      set(({ uploads }) => ({ uploads: [...uploads, ...added.map(([, one]) => one)] }));
      for (const [file, { id }] of added) {
        try {
          const asset = await uploadAsset(file, id, (changes) => change(id, changes));
          change(id, { step: "done", asset });
        } catch (thrown) {
          const error = thrown instanceof InputFileError ? thrown : toServiceError(thrown);
          change(id, { step: "failed", error });
        }
      }
    },
    clearAsset: (id) => change(id, { asset: null }),
    dismiss: (id) => set(({ uploads }) => ({ uploads: uploads.filter((one) => one.id !== id) })),
  };
});

async function uploadAsset(file: File, id: string, onChange: (changes: Partial<AssetUpload>) => void): Promise<Asset> {
  const inputFile = await readInputFile(file, currentService().config.limits, { mustShow: true });
  if (inputFile.type !== "picture") throw new InputFileError("type");
  const { contentType, file: picture, name } = inputFile;
  if (!isPictureType(contentType)) throw new InputFileError("type");
  onChange({ step: "sending" });
  const sha256 = await sha256Of(picture);
  const { asset, upload: form } = await unwrap(
    api.POST("/assets", {
      params: { header: { "Idempotency-Key": id } },
      body: { name, upload: { content_type: contentType, size: picture.size, sha256 } },
    }),
  );
  if (form) await uploadToS3(form, picture, (progress) => onChange({ progress }));
  onChange({ step: "checking", progress: 1 });
  return waitUntilReady(asset);
}

/** Polls until the service has validated the picture. Throws `ServiceError` if it rejects it. */
async function waitUntilReady(asset: Asset): Promise<Asset> {
  let current = asset;
  for (let check = 0; current.state === "awaiting_upload" && check < MAX_CHECKS; check++) {
    if (check > 0) await sleep(CHECK_MILLISECONDS);
    current = await unwrap(api.GET("/assets/{asset_id}", { params: { path: { asset_id: asset.asset_id } } }));
  }
  if (current.error)
    throw new ServiceError(current.error.code, current.error.message, { retryable: current.error.retryable });
  return current;
}

function isPictureType(type: string): type is Asset["content_type"] {
  return ["image/jpeg", "image/png", "image/webp", "image/heic"].includes(type);
}
