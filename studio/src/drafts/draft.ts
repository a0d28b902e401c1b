/** Drafts: the params and inputs of the next job, one draft for each kind. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Strokes } from "@/canvas/mask";
import { isObject, objectsOf, toObject } from "@/contract/json";
import { schemaFields } from "@/contract/schema-fields";
import { KINDS, paramsSchema } from "@/contract/schemas";
import type { Engine, Job, JsonObject, JsonValue, Kind } from "@/contract/types";
import { onClearLocalData } from "@/service/local-data";
import { type InputFile, revokeUrl } from "./input-file";
import { assignAllRoles } from "./list-roles";

/** A job that was not submitted yet. `params` holds what was chosen; other params have the contract's defaults. */
export interface Draft {
  kind: Kind;
  params: JsonObject;
  /** Role → input file. */
  inputs: Record<string, InputFile>;
  /** Null: the deployment's default engine. */
  engine: Engine | null;
  allowPreview: boolean;
  cache: boolean;
}

type DraftChanges = Partial<Omit<Draft, "kind" | "inputs">>;

interface Drafts {
  drafts: Partial<Record<Kind, Draft>>;
  /** The strokes on inpaint's photo, in that photo's pixels. */
  strokes: Strokes | null;
  /** Replaces the draft of the same kind. */
  put(draft: Draft): void;
  change(kind: Kind, changes: DraftChanges): void;
  setParam(kind: Kind, name: string, value: JsonValue): void;
  /** Sets a role's input file; null removes it. */
  setInput(kind: Kind, role: string, input: InputFile | null): void;
  setStrokes(strokes: Strokes | null): void;
  /** Resets to the defaults, without files. */
  reset(kind: Kind): void;
}

/** Params that hold for the given files alone: points on the photo, and the consent. */
const FILE_PARAMS: ReadonlyMap<Kind, ReadonlySet<string>> = new Map(
  KINDS.map((kind) => {
    const fields = schemaFields(paramsSchema(kind)).filter(({ widget }) => ["points", "consent"].includes(widget.type));
    return [kind, new Set(fields.map(({ name }) => name))];
  }),
);

/** A draft with the defaults. */
export function emptyDraft(kind: Kind): Draft {
  return { kind, params: {}, inputs: {}, engine: null, allowPreview: false, cache: true };
}

/** A kind's draft; always the same empty draft until something is chosen. */
export function draftOf(state: Pick<Drafts, "drafts">, kind: Kind): Draft {
  return state.drafts[kind] ?? EMPTY[kind];
}

/** A draft with the params and inputs of an earlier job. */
export function draftFromJob(job: Job): Draft {
  const inputs = Object.entries(job.uploads).map(([role, upload]): [string, InputFile] => [
    role,
    { type: "same", job_id: job.job_id, role, url: upload.url ?? null, ...(upload.avatar ? { isAvatar: true } : {}) },
  ]);
  return {
    kind: job.kind,
    params: assignAllRoles(job.kind, toObject(job.params)),
    inputs: Object.fromEntries(inputs),
    engine: null,
    allowPreview: job.allow_preview ?? false,
    cache: true,
  };
}

/** The store of drafts. Params persist in localStorage; files only live as long as the page. */
export const useDrafts = create<Drafts>()(
  persist(
    (set, get) => {
      const put = (draft: Draft) => {
        const drafts = { ...get().drafts, [draft.kind]: draft };
        const usedInputs = new Set(Object.values(drafts).flatMap((one) => Object.values(one.inputs)));
        const previousInputs = Object.values(get().drafts).flatMap((one) => Object.values(one.inputs));
        for (const input of previousInputs) if (!usedInputs.has(input)) revokeUrl(input);
        const { photo } = draftOf(get(), "inpaint").inputs;
        const samePhoto = photo === draftOf({ drafts }, "inpaint").inputs.photo;
        set(samePhoto ? { drafts } : { drafts, strokes: null });
      };
      const change = (kind: Kind, changes: DraftChanges) => put({ ...draftOf(get(), kind), ...changes });
      return {
        drafts: {},
        strokes: null,
        put,
        change,
        setParam: (kind, name, value) => change(kind, { params: { ...draftOf(get(), kind).params, [name]: value } }),
        setInput(kind, role, input) {
          const draft = draftOf(get(), kind);
          const { [role]: _, ...others } = draft.inputs;
          const params = withoutFileParams(draft);
          // A mask fits only the photo that it was made for.
          if (role === "photo") delete others.mask;
          put({ ...draft, params, inputs: input ? { ...others, [role]: input } : others });
        },
        setStrokes: (strokes) => set({ strokes }),
        reset(kind) {
          put(emptyDraft(kind));
          if (kind === "inpaint") set({ strokes: null });
        },
      };
    },
    {
      name: "darkroom.drafts",
      partialize: ({ drafts }) => ({ drafts: Object.values(drafts).map(stored) }),
      merge: (stored, current) => ({ ...current, drafts: restored(stored) }),
    },
  ),
);

onClearLocalData(() => {
  for (const kind of KINDS) useDrafts.getState().reset(kind);
});

/** The params of a draft that neither another file nor a reload invalidates. */
function withoutFileParams({ kind, params }: Draft): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !FILE_PARAMS.get(kind)?.has(name)));
}

/** The part of a draft that is stored: no files, and no params that refer to files. */
function stored(draft: Draft): JsonObject {
  const { kind, engine, allowPreview, cache } = draft;
  return { kind, params: withoutFileParams(draft), engine, allowPreview, cache };
}

/** Drafts from stored JSON of any version; invalid parts are left out. */
function restored(stored: unknown): Partial<Record<Kind, Draft>> {
  const { drafts = [] } = toObject(stored);
  const found = objectsOf(drafts).flatMap(({ kind: name, params, engine, allowPreview, cache }): Draft[] => {
    const kind = KINDS.find((one) => one === name);
    if (kind === undefined) return [];
    const chosen = engine === "models" || engine === "preview" ? engine : null;
    return [
      {
        kind,
        params: isObject(params) ? params : {},
        inputs: {},
        engine: chosen,
        allowPreview: allowPreview === true,
        cache: cache !== false,
      },
    ];
  });
  return Object.fromEntries(found.map((draft) => [draft.kind, draft]));
}

const EMPTY = Object.fromEntries(KINDS.map((kind) => [kind, emptyDraft(kind)])) as Record<Kind, Draft>;
