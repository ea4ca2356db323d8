import { type Language, useLanguage } from './language.ts';

/** What a node's log tells, for its operator and for the administrator. */
const EVENTS: Record<Language, Record<string, string>> = {
  en: {
    'node started': 'Node started',
    'node restarted': 'Node started again after a power cut or crash',
    'session started': 'Session begun',
    'session resumed': 'Session gone on with',
    'session taken over': 'Session taken over from another node',
    submitted: 'Submitted',
    'extra time': 'Extra time',
    'mode changed': 'Replication mode changed',
    replicated: 'Replicated',
    'line down': 'Line down',
    'line up': 'Line up',
    'clock jump': 'Clock changed',
    'operator refused': 'Wrong PIN',
    'PIN chosen': 'PIN chosen',
    'identity changed': 'New identity of this node',
    'package imported': 'Package imported',
    'package made': 'Package made',
    'package refused': 'Package refused',
  },
  fr: {
    'node started': 'Nœud démarré',
    'node restarted': 'Nœud redémarré après une coupure ou une panne',
    'session started': 'Session commencée',
    'session resumed': 'Session reprise',
    'session taken over': 'Session reprise d’un autre nœud',
    submitted: 'Remis',
    'extra time': 'Temps supplémentaire',
    'mode changed': 'Mode de réplication changé',
    replicated: 'Répliqué',
    'line down': 'Ligne coupée',
    'line up': 'Ligne rétablie',
    'clock jump': 'Horloge changée',
    'operator refused': 'Code erroné',
    'PIN chosen': 'Code choisi',
    'identity changed': 'Nouvelle identité de ce nœud',
    'package imported': 'Paquet importé',
    'package made': 'Paquet préparé',
    'package refused': 'Paquet refusé',
  },
};

/** An event's name in the language that was chosen. */
export function useLogWords(): (event: string) => string {
  const words = EVENTS[useLanguage()];
  return (event) => words[event] ?? event;
}
