/** Pictures on their way into the library. They go on while one is elsewhere in the studio. */
import { create } from "zustand";
import type { Asset } from "@/contract/types";
import { MaterialError, read } from "@/drafts/input-file";
import { answered, api } from "@/service/api";
import { serviceNow } from "@/service/deployment";
import { ServiceError, toServiceError } from "@/service/error";
import { sleep } from "@/service/network";
import { upload } from "@/service/s3-upload";
import { digestOf } from "@/service/sha256";

/** One picture on its way. `sent` is from 0 to 1. */
export interface Upload {
  id: string;
  name: string;
  step: "reading" | "sending" | "checking" | "done" | "failed";
  sent: number;
  /** What the library has of it, until a list has taken that in. */
  asset: Asset | null;
  error: ServiceError | MaterialError | null;
}

interface Uploads {
  uploads: readonly Upload[];
  /** Adds files to the library, one after the other. */
  add(files: readonly File[]): Promise<void>;
  /** Hands over the asset of one that is done, once. */
  handOver(id: string): void;
  /** Forgets one that is done or failed. */
  dismiss(id: string): void;
}

const CHECK_MILLISECONDS = 1000;
const MOST_CHECKS = 60;

/** What is on its way into the library. */
export const useUploads = create<Uploads>()((set) => {
  const change = (id: string, changes: Partial<Upload>) =>
    set(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, ...changes } : one)) }));
  return {
    uploads: [],
    async add(files) {
      const begun = files.map((file): [File, Upload] => [
        file,
        { id: crypto.randomUUID(), name: file.name, step: "reading", sent: 0, asset: null, error: null },
      ]);
      set(({ uploads }) => ({ uploads: [...uploads, ...begun.map(([, one]) => one)] }));
      for (const [file, { id }] of begun) {
        try {
          const asset = await keep(file, id, (changes) => change(id, changes));
          change(id, { step: "done", asset });
        } catch (thrown) {
          const error = thrown instanceof MaterialError ? thrown : toServiceError(thrown);
          change(id, { step: "failed", error });
        }
      }
    },
    handOver: (id) => change(id, { asset: null }),
    dismiss: (id) => set(({ uploads }) => ({ uploads: uploads.filter((one) => one.id !== id) })),
  };
});

async function keep(file: File, id: string, say: (changes: Partial<Upload>) => void): Promise<Asset> {
  const material = await read(file, serviceNow().config.limits);
  if (material.type !== "picture") throw new MaterialError("type");
  const { contentType, file: picture, name } = material;
  if (!isPictureType(contentType)) throw new MaterialError("type");
  say({ step: "sending" });
  const sha256 = await digestOf(picture);
  const { asset, upload: form } = await answered(
    api.POST("/assets", {
      params: { header: { "Idempotency-Key": id } },
      body: { name, upload: { content_type: contentType, size: picture.size, sha256 } },
    }),
  );
  if (form) await upload(form, picture, (sent) => say({ sent }));
  say({ step: "checking", sent: 1 });
  return arrival(asset);
}

/** The asset once the service has looked at its picture. Throws `ServiceError` when it refuses that. */
async function arrival(asset: Asset): Promise<Asset> {
  let now = asset;
  for (let check = 0; now.state === "awaiting_upload" && check < MOST_CHECKS; check++) {
    if (check > 0) await sleep(CHECK_MILLISECONDS);
    now = await answered(api.GET("/assets/{asset_id}", { params: { path: { asset_id: asset.asset_id } } }));
  }
  if (now.error) throw new ServiceError(now.error.code, now.error.message, { retryable: now.error.retryable });
  return now;
}

function isPictureType(type: string): type is Asset["content_type"] {
  return ["image/jpeg", "image/png", "image/webp"].includes(type);
}
