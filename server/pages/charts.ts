import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { useLanguage } from '../../replication/pages/language.ts';
import { html } from '../../replication/pages/view.ts';
import type { BoardSample } from '../board/schemas.ts';
import { memo } from './memo.ts';
import { useWords } from './words.ts';

const HEIGHT_PX = 180;
const STROKE = '#184a8c';
const FILL = 'rgb(24 74 140 / 12%)';
const GRID = { stroke: '#d5dce4', width: 1 };
const MINUTE_MS = 60_000;

/** What people would rather look at than read: results, syncs and what is pending, over time. */
export const Charts = memo(function Charts({ samples }: { samples: BoardSample[] }): VNode | null {
  const { board } = useWords();
  if (samples.length < 2) return null;
  return html`<div class="charts">
    <${Chart} title=${board.charts.results} samples=${samples} value=${(sample: BoardSample) => sample.results} />
    <${Chart} title=${board.charts.syncs} samples=${samples} value=${perMinute} />
    <${Chart}
      title=${board.charts.pending}
      samples=${samples}
      value=${(sample: BoardSample) => sample.pendingPull + sample.pendingPush}
    />
  </div>`;
});

function perMinute({ at, syncs }: BoardSample, before: BoardSample | undefined): number {
  const lapsedMs = before ? Date.parse(at) - Date.parse(before.at) : 0;
  return lapsedMs > 0 ? (syncs * MINUTE_MS) / lapsedMs : syncs;
}

function Chart({
  title,
  samples,
  value,
}: {
  title: string;
  samples: BoardSample[];
  value(sample: BoardSample, before: BoardSample | undefined): number;
}): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const language = useLanguage();
  const data: uPlot.AlignedData = [
    samples.map(({ at }) => Date.parse(at) / 1000),
    samples.map((sample, place) => value(sample, samples[place - 1])),
  ];
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    const minutes = new Intl.DateTimeFormat(language, clock);
    const seconds = new Intl.DateTimeFormat(language, { ...clock, second: '2-digit' });
    const labels = (_: uPlot, times: number[], __: number, ___: number, stepSeconds: number) =>
      times.map((time) => (stepSeconds < 60 ? seconds : minutes).format(time * 1000));
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        series: [{}, { stroke: STROKE, fill: FILL, width: 2, points: { show: false } }],
        axes: [
          { grid: GRID, space: 72, values: labels },
          { grid: GRID, size: 56 },
        ],
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
      },
      data,
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [language]);
  useEffect(() => plot.current?.setData(data), [samples]);
  const last = data[1]?.at(-1) ?? 0;
  return html`<figure class="card">
    <figcaption class="row spread"><span>${title}</span><strong class="number">${Math.round(last)}</strong></figcaption>
    <div ref=${frame} role="img" aria-label=${`${title}: ${Math.round(last)}`}></div>
  </figure>`;
}
