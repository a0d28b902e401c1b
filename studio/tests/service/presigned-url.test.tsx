import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { usePresignedUrl } from "@/service/presigned-url";

function Shown({ name, url, renew }: { name: string; url: string | null; renew(): void }) {
  const link = usePresignedUrl(name, url, renew);
  if (link.broken) return <p>It is gone</p>;
  return link.url === null ? <p>Nothing</p> : <img src={link.url} alt="It" onError={link.onError} />;
}

const source = () => screen.getByRole("img").getAttribute("src");

test("a new signature does not change a working URL", () => {
  const refreshUrls = vi.fn();
  const { rerender } = render(<Shown name="a" url="/a?1" renew={refreshUrls} />);
  rerender(<Shown name="a" url="/a?2" renew={refreshUrls} />);
  expect(source()).toBe("/a?1");
  rerender(<Shown name="b" url="/b?1" renew={refreshUrls} />);
  expect(source()).toBe("/b?1");
});

test("a failed URL is refreshed and replaced", () => {
  const refreshUrls = vi.fn();
  const { rerender } = render(<Shown name="a" url="/a?1" renew={refreshUrls} />);
  fireEvent.error(screen.getByRole("img"));
  expect(refreshUrls).toHaveBeenCalledOnce();
  expect(screen.getByText("Nothing")).toBeVisible();
  rerender(<Shown name="a" url="/a?2" renew={refreshUrls} />);
  expect(source()).toBe("/a?2");
});

test("a missing picture is requested a limited number of times", () => {
  const refreshUrls = vi.fn();
  const { rerender } = render(<Shown name="a" url="/a?1" renew={refreshUrls} />);
  for (const url of ["/a?2", "/a?3"]) {
    fireEvent.error(screen.getByRole("img"));
    rerender(<Shown name="a" url={url} renew={refreshUrls} />);
  }
  fireEvent.error(screen.getByRole("img"));
  expect(screen.getByText("It is gone")).toBeVisible();
  expect(refreshUrls).toHaveBeenCalledTimes(2);
});

test("a URL may expire any number of times while the page is open", () => {
  vi.useFakeTimers();
  try {
    const { rerender } = render(<Shown name="a" url="/a?0" renew={vi.fn()} />);
    for (let night = 1; night <= 5; night++) {
      vi.advanceTimersByTime(12 * 3_600_000);
      fireEvent.error(screen.getByRole("img"));
      rerender(<Shown name="a" url={`/a?${night}`} renew={vi.fn()} />);
      expect(source()).toBe(`/a?${night}`);
    }
  } finally {
    vi.useRealTimers();
  }
});

test("a refresh that does not arrive is repeated, and again when the browser is online", async () => {
  vi.useFakeTimers();
  try {
    const refreshUrls = vi.fn();
    const { rerender } = render(<Shown name="a" url="/a?1" renew={refreshUrls} />);
    fireEvent.error(screen.getByRole("img"));
    for (let wait = 0; wait < 4; wait++) await act(async () => vi.advanceTimersByTime(15_000));
    expect(screen.getByText("It is gone")).toBeVisible();
    expect(refreshUrls).toHaveBeenCalledTimes(2);
    await act(async () => dispatchEvent(new Event("online")));
    expect(refreshUrls).toHaveBeenCalledTimes(3);
    rerender(<Shown name="a" url="/a?2" renew={refreshUrls} />);
    expect(source()).toBe("/a?2");
  } finally {
    vi.useRealTimers();
  }
});
