import { useEffect, useState } from 'preact/hooks';

/** Where in the pages one is, as the address says after `#/`: the section, and what of it. */
export interface Place {
  section: string;
  rest: string[];
}

export function usePlace(): Place {
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const moved = () => setPlace(read());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return place;
}

function read(): Place {
  const [section = '', ...rest] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return { section: section || 'board', rest };
}
