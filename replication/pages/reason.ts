import type { VNode } from 'preact';
import type { ErrorCode } from '../errors.ts';
import { formatReason } from './format.ts';
import { type Language, useLanguage } from './language.ts';
import { html } from './view.ts';

/** What each error means: every one in the languages that the API does not speak. */
const MEANINGS: Record<Exclude<Language, 'en'>, Record<ErrorCode, string>> & {
  en: Partial<Record<ErrorCode, string>>;
} = {
  en: { unreachable: 'The server cannot be reached.' },
  fr: {
    bad_request: 'La demande contient une erreur.',
    not_a_package: 'Ce fichier n’est pas un paquet que ce côté sait lire.',
    unauthorized: 'L’identifiant, le secret ou le jeton est refusé.',
    forbidden: 'C’est refusé.',
    payment_due: 'Le paiement n’est pas terminé.',
    outside_window: 'Ce n’est pas l’heure de cette épreuve.',
    package_misdirected: 'Ce paquet est destiné à un autre que ce côté.',
    package_untrusted: 'L’origine de ce paquet n’est pas sûre : ne l’utilisez pas.',
    not_found: 'Cela n’existe pas.',
    method_not_allowed: 'Ce n’est pas possible ici.',
    conflict: 'Cela a changé entre-temps.',
    session_submitted: 'La session est déjà remise.',
    package_out_of_order: 'Il manque un paquet plus ancien : apportez-le d’abord.',
    file_exists: 'Cela existe déjà.',
    missing_stub: 'Une pièce jointe manque.',
    too_large: 'C’est trop grand.',
    unsupported_media_type: 'Ce type de fichier ne convient pas.',
    package_damaged: 'Ce paquet est abîmé : copiez-le de nouveau. Rien n’a été apporté.',
    too_many_requests: 'Trop d’essais. Attendez un moment.',
    internal_error: 'Une erreur interne s’est produite.',
    hub_unavailable: 'La base de données en ligne ne répond pas.',
    not_ready: 'Ce n’est pas encore prêt : attendez un moment.',
    unreachable: 'Le serveur ne peut pas être joint.',
    in_use: 'C’est utilisé par un autre programme.',
    insufficient_storage: 'Il n’y a plus de place sur le disque.',
  },
};

/** Why something did not go well, in the reader's language as far as it is known; the API's sentence says the rest. */
export function Reason({ code, reason }: { code: string; reason: string }): VNode {
  const language = useLanguage();
  const sentence = formatReason(reason, language);
  const meanings: Readonly<Record<string, string>> = MEANINGS[language];
  const meaning = meanings[code];
  if (meaning === undefined) return html`<span lang="en">${sentence}</span>`;
  return html`<span>${meaning} <span class="fine" lang="en">(${sentence})</span></span>`;
}
