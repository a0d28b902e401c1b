/** What a person is about to ask for: one draft a kind, kept while they go elsewhere. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Strokes } from "@/canvas/mask";
import { isObject, objectsOf, toObject } from "@/contract/json";
import { KINDS } from "@/contract/schemas";
import type { Engine, Job, JsonObject, JsonValue, Kind } from "@/contract/types";
import { onDeparture } from "@/service/local-data";
import { type Material, release } from "./input-file";
import { withAllRoles } from "./list-roles";

/** One job in the making. `params` holds what was chosen; the contract's defaults stand for the rest. */
export interface Draft {
  kind: Kind;
  params: JsonObject;
  /** Role → what stands for it. */
  materials: Record<string, Material>;
  /** Null: the deployment's choice. */
  engine: Engine | null;
  allowPreview: boolean;
  cache: boolean;
}

type Changes = Partial<Omit<Draft, "kind" | "materials">>;

interface Drafts {
  drafts: Partial<Record<Kind, Draft>>;
  /** What is painted over inpaint's photo, in that photo's pixels. */
  strokes: Strokes | null;
  /** Takes the place of its kind's draft. */
  put(draft: Draft): void;
  change(kind: Kind, changes: Changes): void;
  setParam(kind: Kind, name: string, value: JsonValue): void;
  /** Null takes the role's material away. */
  setMaterial(kind: Kind, role: string, material: Material | null): void;
  setStrokes(strokes: Strokes | null): void;
  /** Back to the defaults, without files. */
  reset(kind: Kind): void;
}

/** What of a photo the params point at: meaningless without it, so neither stored nor kept for another photo. */
const OF_THE_PHOTO: ReadonlySet<string> = new Set(["keep_at"]);
/** What is asked for anew with every file, and after every visit. */
const CONSENT = "consent";

/** A draft in which nothing was chosen yet. */
export function empty(kind: Kind): Draft {
  return { kind, params: {}, materials: {}, engine: null, allowPreview: false, cache: true };
}

/** A kind's draft; one and the same empty draft until something is chosen. */
export function draftOf(state: Pick<Drafts, "drafts">, kind: Kind): Draft {
  return state.drafts[kind] ?? EMPTY[kind];
}

/** A draft of the same job: its params as they were, its files as the service has them. */
export function again(job: Job): Draft {
  const materials = Object.entries(job.uploads).map(([role, upload]): [string, Material] => [
    role,
    { type: "same", job_id: job.job_id, role, url: upload.url ?? null },
  ]);
  return {
    kind: job.kind,
    params: withAllRoles(job.kind, toObject(job.params)),
    materials: Object.fromEntries(materials),
    engine: null,
    allowPreview: job.allow_preview ?? false,
    cache: true,
  };
}

/** Every kind's draft. Choices outlive the page, in localStorage; files live as long as the page. */
export const useDrafts = create<Drafts>()(
  persist(
    (set, get) => {
      const put = (draft: Draft) => {
        const drafts = { ...get().drafts, [draft.kind]: draft };
        const held = new Set(Object.values(drafts).flatMap((one) => Object.values(one.materials)));
        const gone = Object.values(get().drafts).flatMap((one) => Object.values(one.materials));
        for (const material of gone) if (!held.has(material)) release(material);
        const { photo } = draftOf(get(), "inpaint").materials;
        const painted = photo === draftOf({ drafts }, "inpaint").materials.photo;
        set(painted ? { drafts } : { drafts, strokes: null });
      };
      const change = (kind: Kind, changes: Changes) => put({ ...draftOf(get(), kind), ...changes });
      return {
        drafts: {},
        strokes: null,
        put,
        change,
        setParam: (kind, name, value) => change(kind, { params: { ...draftOf(get(), kind).params, [name]: value } }),
        setMaterial(kind, role, material) {
          const draft = draftOf(get(), kind);
          const { [role]: _, ...others } = draft.materials;
          const params = without(draft.params, (name) => OF_THE_PHOTO.has(name) || name === CONSENT);
          // A mask fits the photo that it was made for, and no other.
          if (role === "photo") delete others.mask;
          put({ ...draft, params, materials: material ? { ...others, [role]: material } : others });
        },
        setStrokes: (strokes) => set({ strokes }),
        reset(kind) {
          put(empty(kind));
          if (kind === "inpaint") set({ strokes: null });
        },
      };
    },
    {
      name: "darkroom.drafts",
      partialize: ({ drafts }) => ({ drafts: Object.values(drafts).map(stored) }),
      merge: (kept, current) => ({ ...current, drafts: restored(kept) }),
    },
  ),
);

onDeparture(() => {
  for (const kind of KINDS) useDrafts.getState().reset(kind);
});

function without(params: JsonObject, leave: (name: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !leave(name)));
}

/** What of a draft is written down: no files, and nothing that is said of a file. */
function stored({ kind, params, engine, allowPreview, cache }: Draft): JsonObject {
  const lasting = without(params, (name) => OF_THE_PHOTO.has(name) || name === CONSENT);
  return { kind, params: lasting, engine, allowPreview, cache };
}

/** Drafts from what was written down, by this version or another; whatever makes no sense is left out. */
function restored(kept: unknown): Partial<Record<Kind, Draft>> {
  const { drafts = [] } = toObject(kept);
  const found = objectsOf(drafts).flatMap(({ kind: name, params, engine, allowPreview, cache }): Draft[] => {
    const kind = KINDS.find((one) => one === name);
    if (kind === undefined) return [];
    const chosen = engine === "models" || engine === "preview" ? engine : null;
    return [
      {
        kind,
        params: isObject(params) ? params : {},
        materials: {},
        engine: chosen,
        allowPreview: allowPreview === true,
        cache: cache !== false,
      },
    ];
  });
  return Object.fromEntries(found.map((draft) => [draft.kind, draft]));
}

const EMPTY: Record<Kind, Draft> = {
  restyle_room: empty("restyle_room"),
  inpaint: empty("inpaint"),
  generate: empty("generate"),
  face_swap: empty("face_swap"),
  upscale: empty("upscale"),
  find_objects: empty("find_objects"),
  render_video: empty("render_video"),
  render_scenes: empty("render_scenes"),
};
