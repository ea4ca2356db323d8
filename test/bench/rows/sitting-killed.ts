import { startRoom } from '../../exam/room.ts';
import { faultsInHub, killDuring, sit } from '../../exam/sitting.ts';
import { counted, type Measurement, scaled } from '../row.ts';

/** A sitting during which node and server are killed again and again. */
export const sittingKilled: Measurement = {
  name: 'sitting-killed',
  description: 'node and server killed 50 times while 50 candidates sit',
  async measure(scale, say) {
    const kills = scaled(50, scale);
    const candidates = scaled(50, scale);
    await using room = await startRoom({
      candidates,
      questions: 20,
      durationMinutes: 60,
      mode: 'continuous',
    });
    const over = new AbortController();
    const sitting = Promise.all(room.candidates.map((candidate) => sit(room, candidate, over.signal)));
    say(`${kills} kills`);
    await Promise.race([killDuring(room, kills, Math.random), sitting]);
    over.abort();
    const acknowledged = await sitting;
    await room.node.replicate();
    const faults = await faultsInHub(room, acknowledged);
    for (const fault of faults) say(fault);
    const answers = acknowledged.reduce((sum, one) => sum + one.answers.size, 0);
    return [
      {
        what: `${kills} kills during a sitting of ${candidates}: of ${counted(answers)} answers, missing or doubled`,
        ours: String(faults.length),
        stock: '',
        ratio: '',
        target: '0',
        met: faults.length === 0,
      },
    ];
  },
};
