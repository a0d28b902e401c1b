import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ServiceError } from "@/service/error";
import { describe } from "@/service/error-message";
import { Notice } from "./notice";

interface TroubleProps {
  /** What was tried; what happened, when left out. */
  title?: string;
  error: Pick<ServiceError, "code" | "message"> & Partial<ServiceError>;
  action?: ReactNode;
}

/** What went wrong, what to do about it, and the service's own words, which may name the particulars. */
export function Trouble({ title, error, action }: TroubleProps) {
  useTranslation("service"); // again in another language, when that is changed
  const said = describe(error);
  return (
    <Notice tone="bad" title={title ?? said.title} action={action}>
      {title !== undefined && <p>{said.title}</p>}
      <p>{said.advice}</p>
      {said.detail !== null && <small lang="en">{said.detail}</small>}
    </Notice>
  );
}
