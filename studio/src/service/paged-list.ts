import { useEffect, useRef, useState } from "react";
import { type ServiceError, toServiceError } from "./error";

/** One page of a list; `cursor` leads to the next, null on the last. */
export interface Page<Item> {
  items: Item[];
  cursor: string | null;
}

interface Fetched<Item> extends Page<Item> {
  /** Whether the first page was fetched. */
  begun: boolean;
  busy: boolean;
  error: ServiceError | null;
}

/** A paginated list. */
export interface Pages<Item> extends Pick<Fetched<Item>, "items" | "busy" | "error"> {
  /** Whether there is another page. */
  hasMore: boolean;
  /** Fetches the next page; after an error, the same page again. */
  loadMore(): void;
  /** Updates the shown items without a request. */
  updateItems(items: (now: Item[]) => Item[]): void;
}

/** The pages of the list that `key` identifies; another key starts another list. */
export function usePagedList<Item>(
  key: string,
  fetchPage: (cursor: string | null) => Promise<Page<Item>>,
): Pages<Item> {
  const [state, setState] = useState<Fetched<Item>>(emptyState);
  const list = useRef(0);

  async function loadPage(cursor: string | null) {
    const listNumber = list.current;
    setState((now) => ({ ...now, busy: true, error: null }));
    try {
      const page = await fetchPage(cursor);
      if (listNumber !== list.current) return;
      setState(({ items }) => ({
        items: cursor === null ? page.items : [...items, ...page.items],
        cursor: page.cursor,
        begun: true,
        busy: false,
        error: null,
      }));
    } catch (thrown) {
      if (listNumber === list.current) setState((now) => ({ ...now, busy: false, error: toServiceError(thrown) }));
    }
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a list begins when its key changes, and only then
  useEffect(() => {
    list.current += 1;
    setState(emptyState);
    void loadPage(null);
    return () => {
      list.current += 1;
    };
  }, [key]);

  return {
    items: state.items,
    busy: state.busy,
    error: state.error,
    hasMore: state.begun && state.cursor !== null,
    loadMore: () => void loadPage(state.cursor),
    updateItems: (items) => setState((now) => ({ ...now, items: items(now.items) })),
  };
}

function emptyState<Item>(): Fetched<Item> {
  return { items: [], cursor: null, begun: false, busy: true, error: null };
}
