import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { Notice } from "./notice";

interface ErrorNoticeProps {
  /** What was attempted; the error's title if omitted. */
  title?: string;
  error: Pick<ServiceError, "code" | "message"> & Partial<ServiceError>;
  action?: ReactNode;
}

/** A notice for an error: its title, advice, and the service's own detail. */
export function ErrorNotice({ title, error, action }: ErrorNoticeProps) {
  useTranslation("service"); // renders again after a change of the language
  const said = errorMessage(error);
  return (
    <Notice tone="bad" title={title ?? said.title} action={action}>
      {title !== undefined && <p>{said.title}</p>}
      <p>{said.advice}</p>
      {said.detail !== null && <small lang="en">{said.detail}</small>}
    </Notice>
  );
}
