import { vi } from "vitest";

/** An XMLHttpRequest that the test answers. */
class FakeXhr extends EventTarget {
  readonly upload = new EventTarget();
  status = 0;
  responseText = "";
  url = "";
  form = new FormData();
  private finished = false;

  open(_method: string, url: string): void {
    this.url = url;
  }

  send(form: FormData): void {
    this.form = form;
    requests.push(this);
  }

  abort(): void {
    this.finish(0, "");
  }

  progress(loaded: number, total: number): void {
    this.upload.dispatchEvent(new ProgressEvent("progress", { loaded, total, lengthComputable: true }));
  }

  respond(status: number, text = ""): void {
    this.finish(status, text);
  }

  fail(): void {
    this.finish(0, "");
  }

  private finish(status: number, text: string): void {
    if (this.finished) return;
    this.finished = true;
    this.status = status;
    this.responseText = text;
    this.dispatchEvent(new Event("loadend"));
  }
}

export const requests: FakeXhr[] = [];

/** Replaces XMLHttpRequest, so that nothing is uploaded. */
export function fakeXhr(): void {
  requests.length = 0;
  vi.stubGlobal("XMLHttpRequest", FakeXhr);
}

export function uploadRequest(number: number): FakeXhr {
  const found = requests[number];
  if (found === undefined) throw new Error(`there was no upload ${number}`);
  return found;
}
