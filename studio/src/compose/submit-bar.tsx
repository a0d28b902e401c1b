import { useTranslation } from "react-i18next";
import { objectsOf } from "@/contract/json";
import type { Kind } from "@/contract/types";
import { useDraft } from "@/drafts/use-draft";
import { humanize, useLabels, useNameLabels } from "@/messages/labels";
import { Button, Icon } from "@/ui";
import { focusField } from "./field-errors";
import { LOW_SHARE, useRemainingLimits } from "./limits";
import { useOptionList } from "./option-lists";
import styles from "./submit-bar.module.css";
import type { SubmitBlocker } from "./submit-blockers";
import type { Photo } from "./use-photo";

interface SubmitBarProps {
  kind: Kind;
  /** What is still missing, in the order of the page. */
  blockers: readonly SubmitBlocker[];
  photo: Photo | null;
  busy: boolean;
  onSubmit(): void;
}

/** The submit button. While something is missing it says what, and focuses that field. */
export function SubmitBar({ kind, blockers, photo, busy, onSubmit }: SubmitBarProps) {
  const { t } = useTranslation("compose");
  const action = useSubmitLabel(kind, photo);
  const reason = useBlockerText();
  const { rate, budget } = useRemainingLimits(kind);
  const [first] = blockers;
  const used = rate !== null && rate.remaining === 0;
  const spent = budget === 0;
  const blocked = first !== undefined || used || spent;
  const why = first
    ? reason(kind, first)
    : spent
      ? t("limits.spent")
      : used
        ? t("limits.wait", { count: rate.seconds })
        : null;
  const nearly = rate !== null && !used && rate.remaining / rate.limit <= LOW_SHARE;
  return (
    <div className={styles.bar}>
      <Button
        variant="primary"
        icon="make"
        className={styles.button}
        busy={busy}
        // It stays focusable and clickable, and then focuses the missing field.
        aria-disabled={blocked || busy}
        aria-describedby="submit-why"
        onClick={() => {
          if (busy) return;
          if (first) focusField(first.path);
          else if (!blocked) onSubmit();
        }}
      >
        {busy ? t("sending") : action}
      </Button>
      <p id="submit-why" className={styles.why} role="status">
        {why !== null ? (
          <>
            <Icon name="info" size={16} />
            {why}
          </>
        ) : nearly ? (
          t("limits.left", { count: rate.remaining, seconds: rate.seconds })
        ) : budget !== null && budget < 0.1 ? (
          t("limits.budget")
        ) : (
          <span className={styles.then}>{t(`then.${kind}`)}</span>
        )}
      </p>
    </div>
  );
}

/** The button's label: what will be made. */
function useSubmitLabel(kind: Kind, photo: Photo | null): string {
  const { t, i18n } = useTranslation("compose");
  const labels = useLabels();
  const { params } = useDraft(kind);
  const { list } = useOptionList("restyle_room");
  const number = new Intl.NumberFormat(i18n.resolvedLanguage);
  switch (kind) {
    case "restyle_room": {
      const { style } = params;
      if (typeof style !== "string") return t("action.restyle_room");
      const title = list?.find(({ name }) => name === style)?.title ?? humanize(style);
      return t("action.restyle_as", { style: labels.style(kind, style, "title", title) });
    }
    case "generate":
      return t("action.generate", { count: typeof params.count === "number" ? params.count : 1 });
    case "upscale": {
      if (photo === null) return t("action.upscale");
      const scale = typeof params.scale === "number" ? params.scale : 2;
      const [width, height] = [photo.width, photo.height].map((side) => number.format(Math.round(side * scale)));
      return t("action.upscale_to", { width, height });
    }
    case "render_scenes": {
      const { length } = objectsOf(params.scenes);
      return length === 0 ? t("action.render_video") : t("action.render_scenes", { count: length });
    }
    default:
      return t(`action.${kind}`);
  }
}

/** The sentence for a submit blocker. */
function useBlockerText(): (kind: Kind, blocker: SubmitBlocker) => string {
  const { t } = useTranslation("compose");
  const name = useNameLabels();
  return (kind, { reason, name: of, scene, count = 0 }) => {
    const what = t(`obstacles.${reason}`, { name: name(kind, of), count });
    return scene === null ? what : t("obstacles.in_scene", { number: scene, what });
  };
}
