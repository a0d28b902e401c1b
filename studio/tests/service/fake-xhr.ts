import { vi } from "vitest";

/** An XMLHttpRequest that the test answers. */
class FakeXhr extends EventTarget {
  readonly upload = new EventTarget();
  status = 0;
  responseText = "";
  url = "";
  form = new FormData();
  private over = false;

  open(_method: string, url: string): void {
    this.url = url;
  }

  send(form: FormData): void {
    this.form = form;
    requests.push(this);
  }

  abort(): void {
    this.ends(0, "");
  }

  moves(loaded: number, total: number): void {
    this.upload.dispatchEvent(new ProgressEvent("progress", { loaded, total, lengthComputable: true }));
  }

  answers(status: number, text = ""): void {
    this.ends(status, text);
  }

  breaks(): void {
    this.ends(0, "");
  }

  private ends(status: number, text: string): void {
    if (this.over) return;
    this.over = true;
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

export function nextRequest(number: number): FakeXhr {
  const found = requests[number];
  if (found === undefined) throw new Error(`there was no upload ${number}`);
  return found;
}
