import { useTranslation } from "react-i18next";
import { objectsOf } from "@/contract/json";
import type { Kind } from "@/contract/types";
import { useDraft } from "@/drafts/use-draft";
import { plain, useNames, useWords } from "@/messages/labels";
import { Button, Icon } from "@/ui";
import { focusAt } from "./field-errors";
import { NEARLY, useLeft } from "./limits";
import { useListOf } from "./option-lists";
import styles from "./submit-bar.module.css";
import type { Obstacle } from "./submit-blockers";
import type { Photo } from "./use-photo";

interface SubmitBarProps {
  kind: Kind;
  /** What is missing, first things first. */
  missing: readonly Obstacle[];
  photo: Photo | null;
  busy: boolean;
  onSend(): void;
}

/** The button that makes it: says what will happen, or what is to be done first, and leads there. */
export function SubmitBar({ kind, missing, photo, busy, onSend }: SubmitBarProps) {
  const { t } = useTranslation("compose");
  const action = useAction(kind, photo);
  const reason = useReason();
  const { rate, budget } = useLeft(kind);
  const [first] = missing;
  const used = rate !== null && rate.left === 0;
  const spent = budget === 0;
  const blocked = first !== undefined || used || spent;
  const why = first
    ? reason(kind, first)
    : spent
      ? t("limits.spent")
      : used
        ? t("limits.wait", { count: rate.seconds })
        : null;
  const nearly = rate !== null && !used && rate.left / rate.limit <= NEARLY;
  return (
    <div className={styles.bar}>
      <Button
        look="primary"
        icon="make"
        className={styles.button}
        busy={busy}
        // It can still be reached and pressed: then it leads to what is missing.
        aria-disabled={blocked || busy}
        aria-describedby="submit-why"
        onClick={() => {
          if (busy) return;
          if (first) focusAt(first.path);
          else if (!blocked) onSend();
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
          t("limits.left", { count: rate.left, seconds: rate.seconds })
        ) : budget !== null && budget < 0.1 ? (
          t("limits.budget")
        ) : (
          <span className={styles.then}>{t(`then.${kind}`)}</span>
        )}
      </p>
    </div>
  );
}

/** What pressing the button does, in a few words. */
function useAction(kind: Kind, photo: Photo | null): string {
  const { t, i18n } = useTranslation("compose");
  const words = useWords();
  const { params } = useDraft(kind);
  const { list } = useListOf("restyle_room");
  const number = new Intl.NumberFormat(i18n.resolvedLanguage);
  switch (kind) {
    case "restyle_room": {
      const { style } = params;
      if (typeof style !== "string") return t("action.restyle_room");
      const title = list?.find(({ name }) => name === style)?.title ?? plain(style);
      return t("action.restyle_as", { style: words.style(kind, style, "title", title) });
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

/** What is to be done first, in a sentence. */
function useReason(): (kind: Kind, obstacle: Obstacle) => string {
  const { t } = useTranslation("compose");
  const name = useNames();
  return (kind, { reason, name: of, scene, count = 0 }) => {
    const what = t(`obstacles.${reason}`, { name: name(kind, of), count });
    return scene === null ? what : t("obstacles.in_scene", { number: scene, what });
  };
}
