/** The files of jobs that still wait for them: kept in this browser, so that a reload does not lose an upload. */

/** Role → file. */
export type Files = Readonly<Record<string, Blob>>;

const DATABASE = "darkroom";
const STORE = "uploads";

let opened: Promise<IDBDatabase> | null = null;
/** The same, for a browser that keeps nothing (private windows, a full disk). */
const remembered = new Map<string, Files>();

/** Keep a job's files until `drop`. */
export async function put(jobId: string, files: Files): Promise<void> {
  remembered.set(jobId, files);
  await within("readwrite", (store) => store.put(files, jobId)).catch(() => undefined);
}

/** A job's files; none where they are not kept (any longer). */
export async function get(jobId: string): Promise<Files> {
  const known = remembered.get(jobId);
  if (known !== undefined) return known;
  const found: unknown = await within("readonly", (store) => store.get(jobId)).catch(() => undefined);
  if (typeof found !== "object" || found === null) return {};
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, Blob] => entry[1] instanceof Blob));
}

/** A job needs its files no longer. */
export async function drop(jobId: string): Promise<void> {
  remembered.delete(jobId);
  await within("readwrite", (store) => store.delete(jobId)).catch(() => undefined);
}

/** Keep nothing of anybody: they signed out. */
export async function clear(): Promise<void> {
  remembered.clear();
  await within("readwrite", (store) => store.clear()).catch(() => undefined);
}

async function within<Value>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<Value>) {
  opened ??= open();
  const database = await opened;
  return done(ask(database.transaction(STORE, mode).objectStore(STORE)));
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return done(request);
}

function done<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
