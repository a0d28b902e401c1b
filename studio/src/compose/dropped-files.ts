/** Files that were dropped on the page or pasted into it, brought to the role they are for. */

import { objectsOf } from "@/contract/json";
import { fields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { roles } from "@/contract/upload-roles";
import { draftOf, useDrafts } from "@/drafts/draft";
import { useIntake } from "@/drafts/file-intake";
import { withRoles } from "@/drafts/list-roles";

/** Takes each file to the next role of its media that is free; a kind's only picture is replaced. */
export function deliver(kind: Kind, files: readonly File[]): void {
  const taken = new Set(Object.keys(draftOf(useDrafts.getState(), kind).materials));
  for (const file of files) {
    const wanted = file.type.startsWith("audio/") ? "sound" : "picture";
    // Inpaint's mask is painted.
    const fitting = roles(kind).filter(
      ({ name, media }) => name !== "mask" && (media === "sound") === (wanted === "sound"),
    );
    const only = fitting.length === 1 ? fitting[0] : undefined;
    const role = fitting.find(({ name }) => !taken.has(name))?.name ?? only?.name ?? roleOfList(kind, wanted);
    if (role === null) return;
    taken.add(role);
    void useIntake.getState().take(kind, role, file, wanted);
  }
}

/** A list's role that has no file yet; else that of a new object which is about a picture. Null where there is none. */
function roleOfList(kind: Kind, wanted: "picture" | "sound"): string | null {
  const { params, materials } = draftOf(useDrafts.getState(), kind);
  for (const { name, shape } of fields(paramsSchema(kind))) {
    if (shape.type !== "list" || wanted === "sound") continue;
    const objects = objectsOf(params[name]);
    const variant = shape.variants.find(({ fields: own }) => own.some(({ name: role }) => role === "picture"));
    const { takings } = useIntake.getState();
    const free = objects.find(({ picture }) => {
      return typeof picture === "string" && !materials[picture] && !takings[`${kind}/${picture}`]?.busy;
    });
    if (typeof free?.picture === "string") return free.picture;
    if (!variant || (shape.most !== null && objects.length >= shape.most)) continue;
    const named = withRoles(shape, [...objects, { [shape.by]: variant.value }]);
    useDrafts.getState().setParam(kind, name, named);
    const role = named.at(-1)?.picture;
    return typeof role === "string" ? role : null;
  }
  return null;
}
