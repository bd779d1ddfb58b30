"""Korean particles and predicate endings, by spelling alone: enough to turn a statement into a question.

A predicate is taken apart into a kind and a stem:
    past     했, 되었, 있, 없    + 는가? 나요? 을까? ...
    present  하, 먹              + 는가? 나요? ...
    copula   a noun             + 인가? 이야? ...
"""
import functools, re

SYLLABLES = 0xAC00
N, R, SS = 4, 8, 20  # final consonants ㄴ ㄹ ㅆ in Unicode order
A, AE, EO, YEO, O, WA, WAE, U, WO, EU, I = 0, 1, 4, 6, 8, 9, 10, 13, 14, 18, 20  # vowels in Unicode order


def parts(syllable):
    """(initial, vowel, final) of a Hangul syllable, or None."""
    code = ord(syllable) - SYLLABLES
    return (code // 588, code % 588 // 28, code % 28) if 0 <= code < 11172 else None


def join(initial, vowel, final=0):
    return chr(SYLLABLES + initial * 588 + vowel * 28 + final)


@functools.lru_cache(maxsize=1 << 18)
def final(word):
    """The final consonant that decides the particle: 0 for none. Digits and Latin letters as Koreans read them."""
    bare = (re.sub(r'\([^()]*\)$', '', word) if word.endswith(')') else word).rstrip('\'"’”》〉」』)]%') or word
    last = bare[-1]
    if parts(last):
        return parts(last)[2]
    if last.isdigit():
        return {'1': R, '7': R, '8': R, '0': 21, '3': 16, '6': 1}.get(last, 0)
    return {'l': R, 'r': 0, 'm': 16, 'n': N}.get(last.lower(), 0)


def with_particle(word, particle):
    """with_particle('서울', '은') -> '서울은'; particle is any of a pair."""
    has = final(word) != 0
    for closed, opened in (('은', '는'), ('이', '가'), ('을', '를'), ('과', '와'), ('이라', '라'), ('이나', '나')):
        if particle in (closed, opened):
            return word + (closed if has else opened)
    if particle in ('로', '으로'):
        return word + ('으로' if final(word) not in (0, R) else '로')
    return word + particle


# longest first; the second value says what must stand before: 1 a final consonant, 0 none, None either
PARTICLES = [('으로부터', 1), ('에서부터', None), ('로부터', 0), ('에서는', None), ('에서도', None), ('에게서', None), ('으로는', 1),
             ('으로서', 1), ('으로써', 1), ('까지', None), ('부터', None), ('에서', None), ('에게', None), ('에는', None), ('에도', None),
             ('으로', 1), ('로는', 0), ('로서', 0), ('로써', 0), ('보다', None), ('처럼', None), ('에', None), ('의', None), ('은', 1),
             ('는', 0), ('이', 1), ('가', 0), ('을', 1), ('를', 0), ('과', 1), ('와', 0), ('로', 0), ('도', None), ('만', None)]
CASES = frozenset(p for p, _ in PARTICLES)
ENDING_PARTICLES = {last: [p for p in PARTICLES if p[0][-1] == last] for last in {p[-1] for p in CASES}}


@functools.lru_cache(maxsize=1 << 18)
def split_particle(word):
    """'서울에서' -> ('서울', '에서'); a word without a particle comes back with ''."""
    for particle, wanted in ENDING_PARTICLES.get(word[-1:], ()):
        if word.endswith(particle) and len(word) > len(particle):
            base = word[:-len(particle)]
            closed = final(base)
            if wanted is None or bool(closed) == bool(wanted) or (particle == '로' and closed == R):
                return base, particle
    return word, ''


def predicate(word, is_noun):
    """The last word of a sentence (without its full stop) -> (kind, stem), or None where the spelling is unclear."""
    if not word.endswith('다') or len(word) < 2:
        return None
    stem = word[:-1]
    last = parts(stem[-1])
    if not last:
        return None
    if word.endswith('이다') and len(word) > 2:
        return 'copula', word[:-2]
    if word.endswith('이었다') and is_noun(word[:-3]):
        return 'was', word[:-3]
    if word.endswith('였다') and len(word) > 2 and word[-3] != '하' and is_noun(word[:-2]):
        return 'was', word[:-2]
    if last[2] == SS or stem.endswith('없'):
        return None if stem.endswith('겠') else ('past', stem)
    if stem.endswith('는') and len(stem) > 1 and (parts(stem[-2]) or (0, 0, 0))[2]:
        return 'present', stem[:-1]
    if last[2] == N:
        return 'present', stem[:-1] + join(last[0], last[1])
    return None


CONNECTIVES = ['으며', '으나', '지만', '는데', '고', '며', '자']
HA_ENDINGS = {'하고': '하', '하며': '하', '하면서': '하', '되고': '되', '되며': '되', '되면서': '되', '하여': '하', '되어': '되'}


def clause_predicate(word, tense):
    """The stem of a connective verb ('졸업하고', '태어났으며') -> (kind, stem) as the sentence's tense has it, or None."""
    for ending in CONNECTIVES:
        stem = word[:-len(ending)]
        if word.endswith(ending) and stem and (parts(stem[-1]) or (0, 0, 0))[2] == SS:
            return 'past', stem
    for ending, verb in HA_ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            stem = word[:-len(ending)]
            if tense == 'past':
                return 'past', stem + ('했' if verb == '하' else '되었')
            return 'present', stem + verb
    return None


CONTRACTED = {'했': '한', '됐': '된', '썼': '쓴', '컸': '큰', '껐': '끈', '떴': '뜬', '였': '인', '하였': '한', '있': '있는',
              '없': '없는', '있었': '있던', '없었': '없던', '들렀': '들른', '이르렀': '이른', '도왔': '도운', '지었': '지은', '나았': '나은', '이었': '이은', '그었': '그은',
              '깨달았': '깨달은', '올랐': '오른', '달했': '달한', '낳았': '낳은', '붙었': '붙은'}
UNCLEAR = re.compile(r'(?:걸|들|실|물|부|푸)(?:었|렀)$|[^가-힣].$')
OPENED = {YEO: I, WA: O, WO: U, WAE: 11}  # vowel of the contracted past -> vowel of the stem


def modifier(kind, stem):
    """The form before a noun: 했 -> 한, 만들었 -> 만든, 받았 -> 받은, 졌 -> 진, 하 -> 하는, noun -> noun인."""
    if kind == 'copula':
        return stem + '인'
    if kind == 'was':
        return with_particle(stem, '이라')[:-1] + '었던' if final(stem) else stem + '였던'
    if kind == 'present':
        return stem + '는'
    for length in (3, 2, 1):
        if stem[-length:] in CONTRACTED and len(stem) >= length:
            return stem[:-length] + CONTRACTED[stem[-length:]]
    if UNCLEAR.search(stem):
        return stem + '던'
    initial, vowel, _ = parts(stem[-1])
    before = parts(stem[-2]) if len(stem) > 1 else None
    if stem[-1] in '었았' and before:
        if before[2] == R:
            return stem[:-2] + join(before[0], before[1], N)
        return stem[:-1] + '은' if before[2] else stem[:-2] + join(before[0], before[1], N)
    if stem[-1] in '랐렀' and before and before[2] == R:  # 불렀 -> 부른
        return stem[:-2] + join(before[0], before[1]) + '른'
    if stem[-1] in '랐렀':
        return stem[:-1] + '른' if stem[-1] == '렀' else stem[:-1] + '른'
    return stem[:-1] + join(initial, OPENED.get(vowel, vowel), N)


ASKED = {'past': [('는가?', 38), ('나요?', 16), ('나?', 7), ('을까?', 8), ('어?', 10), ('어요?', 6), ('습니까?', 5), ('지?', 3), ('니?', 2),
                  ('는지 알려줘.', 3), ('는가', 2)],
         'present': [('는가?', 50), ('나요?', 25), ('나?', 12), ('는지 알려줘.', 4), ('는가', 2)],
         'copula': [('인가?', 45), ('인가요?', 14), ('일까?', 8), ('야?', 12), ('예요?', 9), ('입니까?', 5), ('지?', 3), ('인지 알려줘.', 3)],
         'was': [('는가?', 45), ('나요?', 20), ('을까?', 8), ('어?', 10)]}


def ask(kind, stem, rng):
    """The predicate as a question, formal or spoken."""
    endings = ASKED[kind]
    ending = rng.choices([e for e, _ in endings], [w for _, w in endings])[0]
    if kind == 'copula' and final(stem):
        ending = {'야?': '이야?', '예요?': '이에요?', '지?': '이지?'}.get(ending, ending)
    if kind == 'was':
        stem += '이었' if final(stem) else '였'
    if kind == 'past' and ending in ('어?', '어요?') and stem.endswith(('하였', '되었')):
        stem = stem[:-2] + {'하였': '했', '되었': '됐'}[stem[-2:]]
    return stem + ending
