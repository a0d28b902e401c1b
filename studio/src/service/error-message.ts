/** Error messages in the page's language: what happened, and what to do. */
import i18next from "i18next";
import service from "@/messages/en/service.json";
import type { ServiceError } from "./error";

/** The message of an error. */
export interface ErrorMessage {
  /** What happened. */
  title: string;
  /** What to do about it. */
  advice: string;
  /** The service's own detail, in English; null if it adds nothing. */
  detail: string | null;
}

type Known = keyof typeof service.errors;

const isKnown = (code: string): code is Known => Object.hasOwn(service.errors, code);

/** The message for an error, by its code. Also for a job's own `error`. */
export function errorMessage(error: Pick<ServiceError, "code" | "message"> & Partial<ServiceError>): ErrorMessage {
  const code = isKnown(error.code) ? error.code : "unknown";
  const advice = i18next.t(`service:errors.${code}.advice`);
  const waitSeconds = error.retryAfter ?? null;
  return {
    title: i18next.t(`service:errors.${code}.title`),
    advice: waitSeconds === null ? advice : `${advice} ${waitingText(waitSeconds)}`,
    detail: error.message || null,
  };
}

/** A waiting time in words. */
function waitingText(seconds: number): string {
  if (seconds < 90) return i18next.t("service:wait.seconds", { count: Math.max(1, Math.ceil(seconds)) });
  if (seconds < 90 * 60) return i18next.t("service:wait.minutes", { count: Math.ceil(seconds / 60) });
  return i18next.t("service:wait.hours", { count: Math.ceil(seconds / 3600) });
}
