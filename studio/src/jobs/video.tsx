import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result, SubtitleFile, Video } from "@/contract/types";
import { useSteady } from "@/service/presigned-url";
import { Buttons } from "@/ui";
import { Mark } from "./ai-badge";
import { FileActions } from "./file-actions";
import { poster, widest } from "./outputs";
import { AgainWithChanges } from "./rerun-buttons";
import styles from "./result.module.css";

interface VideoViewProps {
  job: Job;
  result: Result;
  video: Video;
  renew(): void;
}

/** A video with its captions, and its files. */
export function VideoView({ job, result, video, renew }: VideoViewProps) {
  const { t } = useTranslation("jobs");
  const film = useSteady(video.key, video.url, renew);
  const still = poster(result);
  const first = useSteady(still?.key ?? "", still?.url, renew);
  const spoken = result.subtitles.find(({ format }) => format === "vtt");
  const captions = useCaptions(spoken, renew);
  return (
    <>
      <div className={styles.stage} style={{ maxInlineSize: widest(video.width / video.height) }}>
        <video
          className={styles.picture}
          controls
          playsInline
          preload="metadata"
          aria-label={t("result.alt", { kind: t(`kinds.${job.kind}`) })}
          width={video.width}
          height={video.height}
          {...(film.url === null ? {} : { src: film.url })}
          {...(first.url === null ? {} : { poster: first.url })}
          onError={film.failed}
        >
          {spoken && captions !== null && (
            <track kind="captions" src={captions} srcLang={spoken.language} label={t("result.captions")} />
          )}
        </video>
      </div>
      <Mark />
      <Buttons>
        <FileActions job={job} file={video} />
        {result.subtitles.map((file) => (
          <FileActions
            key={file.key}
            job={job}
            file={file}
            words={t("result.download_subtitles", { format: file.format.toUpperCase() })}
          />
        ))}
        <AgainWithChanges job={job} />
      </Buttons>
    </>
  );
}

/** The captions as a file of this page's own: browsers take no track from another host beside a video of one. */
function useCaptions(file: SubtitleFile | undefined, renew: () => void): string | null {
  const [place, setPlace] = useState<string | null>(null);
  const { url, failed } = useSteady(file?.key ?? "", file?.url, renew);
  const tell = useRef(failed);
  useEffect(() => {
    tell.current = failed;
  });
  useEffect(() => {
    if (url === null) return;
    const stop = new AbortController();
    let made: string | null = null;
    const bring = async () => {
      const answer = await fetch(url, { signal: stop.signal });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const text = await answer.text();
      if (stop.signal.aborted) return;
      made = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
      setPlace(made);
    };
    // Without captions the video still plays, and their file can be downloaded.
    void bring().catch(() => stop.signal.aborted || tell.current());
    return () => {
      stop.abort();
      if (made !== null) URL.revokeObjectURL(made);
      setPlace(null);
    };
  }, [url]);
  return place;
}
