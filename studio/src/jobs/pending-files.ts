/** Files of jobs that await upload, in IndexedDB, so that a reload does not lose them. */
import { isRecord } from "@/service/error";

/** Role → file. */
export type Files = Readonly<Record<string, Blob>>;

const DATABASE = "darkroom";
const STORE = "uploads";

let opened: Promise<IDBDatabase> | null = null;
/** A fallback in memory, for browsers without storage (private windows, full disks). */
const inMemory = new Map<string, Files>();

/** Store a job's files until `drop`. */
export async function put(jobId: string, files: Files): Promise<void> {
  inMemory.set(jobId, files);
  const rows = await Promise.all(Object.entries(files).map(([role, file]) => toRow(role, file)));
  if (inMemory.get(jobId) !== files) return; // dropped meanwhile
  await withStore("readwrite", (store) => store.put(rows, jobId)).catch(() => undefined);
}

/** A job's files; empty if they are not stored. */
export async function get(jobId: string): Promise<Files> {
  const known = inMemory.get(jobId);
  if (known !== undefined) return known;
  const found: unknown = await withStore("readonly", (store) => store.get(jobId)).catch(() => undefined);
  const rows = Array.isArray(found) ? found.filter(isRow) : [];
  return Object.fromEntries(rows.map(({ role, type, bytes }) => [role, new Blob([bytes], { type })]));
}

/** Remove a job's files. */
export async function drop(jobId: string): Promise<void> {
  inMemory.delete(jobId);
  await withStore("readwrite", (store) => store.delete(jobId)).catch(() => undefined);
}

/** Remove all files: the user signed out. */
export async function clear(): Promise<void> {
  inMemory.clear();
  await withStore("readwrite", (store) => store.clear()).catch(() => undefined);
}

/** A stored file: its bytes, because a stored `File` is lost with its original, and some browsers cannot store one. */
interface Row {
  role: string;
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
}

async function toRow(role: string, file: Blob): Promise<Row> {
  return { role, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
}

function isRow(value: unknown): value is Row {
  return (
    isRecord(value) &&
    typeof value.role === "string" &&
    typeof value.type === "string" &&
    ArrayBuffer.isView(value.bytes)
  );
}

async function withStore<Value>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<Value>) {
  opened ??= openDatabase();
  const database = await opened;
  return promiseOf(ask(database.transaction(STORE, mode).objectStore(STORE)));
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return promiseOf(request);
}

function promiseOf<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
