import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { Notice } from "./notice";

interface ErrorNoticeProps {
  /** What was tried; what happened, when left out. */
  title?: string;
  error: Pick<ServiceError, "code" | "message"> & Partial<ServiceError>;
  action?: ReactNode;
}

/** What went wrong, what to do about it, and the service's own words, which may name the particulars. */
export function ErrorNotice({ title, error, action }: ErrorNoticeProps) {
  useTranslation("service"); // again in another language, when that is changed
  const said = errorMessage(error);
  return (
    <Notice tone="bad" title={title ?? said.title} action={action}>
      {title !== undefined && <p>{said.title}</p>}
      <p>{said.advice}</p>
      {said.detail !== null && <small lang="en">{said.detail}</small>}
    </Notice>
  );
}
