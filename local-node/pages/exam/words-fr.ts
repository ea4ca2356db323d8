import type { Words } from './words-en.ts';

const plural = (count: number, one: string, many: string) => `${count} ${count < 2 ? one : many}`;

export const french: Words = {
  exam: 'Examen',
  code: {
    title: 'Saisissez votre code d’accès',
    hint: 'Il figure sur votre convocation. Demandez au surveillant si vous n’en avez pas.',
    label: 'Code d’accès',
    next: 'Continuer',
  },
  confirm: {
    title: 'Est-ce bien vous ?',
    name: 'Nom',
    number: 'Numéro d’inscription',
    seat: 'Place',
    test: 'Épreuve',
    time: 'Durée',
    minutes: (minutes) => plural(minutes, 'minute', 'minutes'),
    questions: (count) => plural(count, 'question', 'questions'),
    instructions: 'Consignes',
    hints: [
      'Chaque réponse est enregistrée dès que vous la choisissez. « Enregistré » s’affiche quand elle est en sûreté.',
      'Vous pouvez changer vos réponses jusqu’à la remise, marquer des questions et y revenir.',
      'Si cet ordinateur tombe en panne, continuez sur un autre avec votre code d’accès.',
    ],
    starts: 'Le temps commence quand vous appuyez sur Commencer.',
    begin: 'C’est moi. Commencer',
    goOn: 'C’est moi. Continuer',
    notMe: 'Ce n’est pas moi',
    running: 'Vous avez déjà commencé. Vos réponses sont gardées et le temps continue.',
  },
  work: {
    question: (number, of) => `Question ${number} sur ${of}`,
    points: (points) => plural(points, 'point', 'points'),
    previous: 'Précédente',
    next: 'Suivante',
    flag: 'Marquer',
    flagged: 'Marquée',
    clear: 'Retirer ma réponse',
    overview: 'Toutes les questions',
    finish: 'Terminer…',
    answered: (count, of) => `${count} sur ${of} répondues`,
    answeredMark: 'répondue',
    unansweredMark: 'sans réponse',
    unsavedMark: 'pas encore enregistrée',
    shown: 'affichée',
    keys: (last) => `Choisir avec les touches A à ${last}`,
    calculator: 'Calculatrice',
    skip: 'Aller à la question',
  },
  saving: {
    saved: 'Enregistré',
    saving: 'Enregistrement…',
    notSaved: 'Pas encore enregistré',
    down: 'Le serveur d’examen ne répond pas pour le moment. Continuez à travailler : ',
    kept: (count) =>
      count === 0
        ? 'toutes vos réponses sont enregistrées.'
        : `${plural(count, 'réponse est gardée', 'réponses sont gardées')} sur cet ordinateur et l’envoi se fera tout seul.`,
    refused: 'Le serveur d’examen ne peut rien enregistrer pour le moment. Prévenez le surveillant. ',
  },
  clock: {
    left: 'Temps restant',
    warning: (minutes) => `Il reste ${plural(minutes, 'minute', 'minutes')}`,
    up: 'Le temps est écoulé. Vos réponses sont remises.',
  },
  finish: {
    title: 'Remettre vos réponses ?',
    all: 'Vous avez répondu à toutes les questions.',
    unanswered: (count) => `${plural(count, 'question est', 'questions sont')} sans réponse :`,
    flagged: (count) => `${plural(count, 'question est marquée', 'questions sont marquées')} :`,
    final: 'Ensuite, vous ne pourrez plus rien changer.',
    submit: 'Remettre maintenant',
    back: 'Continuer à travailler',
    saving: 'En attente de l’enregistrement de chaque réponse…',
  },
  ended: {
    title: 'Vos réponses sont remises',
    byTime: 'Le temps était écoulé.',
    byOperator: 'Le surveillant a remis pour vous.',
    at: 'Remis :',
    lost: (count) =>
      `${plural(count, 'réponse n’était pas arrivée', 'réponses n’étaient pas arrivées')} au serveur d’examen à ce moment. Prévenez le surveillant avant de partir.`,
    leave: 'Vous pouvez laisser l’ordinateur comme il est.',
    next: 'Candidat suivant',
  },
  calculator: {
    clear: 'Effacer',
    result: 'Résultat',
    error: 'impossible',
    names: {
      '+': 'plus',
      '−': 'moins',
      '×': 'fois',
      '÷': 'divisé par',
      '=': 'égale',
      '.': 'virgule',
      '±': 'changer de signe',
    },
  },
  opening: 'Un instant…',
  problems: {
    not_found: 'Aucun candidat de ce centre n’a ce code d’accès. Vérifiez chaque caractère.',
    payment_due: 'Le paiement de cette épreuve n’est pas terminé. Adressez-vous au surveillant.',
    outside_window: 'Cette épreuve ne peut pas être commencée maintenant.',
    session_submitted: 'Cette épreuve est déjà remise. Vos réponses sont gardées.',
    not_ready: 'L’épreuve n’est pas encore prête dans ce centre. Adressez-vous au surveillant.',
    forbidden: 'Vous n’êtes pas admis à cette épreuve. Adressez-vous au surveillant.',
    too_many_requests: 'Trop de codes erronés. Attendez une minute, puis réessayez.',
    unanswered:
      'Le serveur d’examen ne répond pas. Un nouvel essai est en cours ; si cela dure, prévenez le surveillant.',
    other: 'Cela n’a pas marché. Adressez-vous au surveillant.',
  },
  moved:
    'Ce serveur d’examen ne connaît pas encore votre session. Saisissez votre code d’accès pour continuer ; rien n’est perdu.',
  detail: 'Pour le surveillant :',
};
