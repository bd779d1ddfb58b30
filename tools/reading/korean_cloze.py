"""A Korean statement becomes a question about one of its dates, numbers, names or titles."""
import re

from .hangul import CASES, ask, clause_predicate, modifier, predicate, split_particle, with_particle
from .korean_words import (ADNOMINAL, AUXILIARY, CLAIMED_BY_VERB, CLASS_TYPE, COUNTRIES, DATE, NUMBER, PERSON_CLASSES,
                           PRONOUNS, QUESTION_TERMS, QUOTED, SURNAMES, SWAPS, WHAT, tail)
from .rows import base_title, terms


class Sentence:
    """A statement cut into chunks that may be left out one by one; words keep their place in the text."""

    def __init__(self, text, lexicon):
        self.text, self.lexicon = text, lexicon
        body = text.rstrip('.')
        self.words = [(m.start(), m.end(), m.group()) for m in re.finditer(r'\S+', body)]
        self.predicate = predicate(self.words[-1][2], lexicon.is_noun) if self.words else None
        if not self.predicate:
            return
        self.tense = 'past' if self.predicate[0] in ('past', 'was') else 'present'
        self.chunks = self._chunks()

    def _tag(self, word, following=''):
        comma = word.endswith(',')
        word = word.rstrip(',')
        if AUXILIARY.match(following) and word.endswith(('고', '어', '아', '여', '지', '게', '해', '야', '와', '져', '려', '러')):
            return 'modifier'
        if re.search(r'\d[조억만천]$', word):
            return 'modifier'
        base, particle = split_particle(word)
        if particle and self.lexicon.takes_case(base, particle):
            if particle in ('의', '와', '과') and not comma:
                return 'modifier'
            return 'case:' + particle
        if clause_predicate(word, 'past') or word.endswith(('하여', '되어', '면서', '지만', '으며', '자마자')):
            return 'conn'
        if comma:
            return 'case:,'
        if ADNOMINAL.search(word):
            return 'adnominal'
        if word.endswith(('어', '아', '게', '서', '해', '히', '며', '고', '면')) and not self.lexicon.is_noun(word):
            return 'case:adverb'
        return 'modifier'

    def _chunks(self):
        """[(first word, last word, tag)]; a chunk that begins with a verb takes in the chunk before."""
        chunks, begin = [], 0
        for i, (_, _, word) in enumerate(self.words[:-1]):
            tag = self._tag(word, self.words[i + 1][2])
            if tag.startswith(('case', 'conn')):
                if chunks and self._tag(self.words[begin][2]) == 'adnominal' and not chunks[-1][2] == 'conn':
                    begin = chunks.pop()[0]
                chunks.append((begin, i, tag))
                begin = i + 1
        if chunks and begin < len(self.words) - 1 and self._tag(self.words[begin][2]) == 'adnominal':
            begin = chunks.pop()[0]
        chunks.append((begin, len(self.words) - 1, 'predicate'))
        return chunks

    def words_of(self, chunk):
        return [w for _, _, w in self.words[chunk[0]:chunk[1] + 1]]


def typed_spans(sentence, lexicon):
    """[(begin, end, type, class noun or unit)] of what may be asked for, in characters of the sentence."""
    text, found, taken = sentence.text, [], []

    def add(begin, end, kind, noun):
        if not any(a < end and begin < b for a, b in taken):
            taken.append((begin, end))
            found.append((begin, end, kind, noun))

    for m in QUOTED.finditer(text):
        opening = text[m.start()]
        add(m.start('inside'), m.end('inside'), 'work' if opening in '《〈「『' else 'quoted', '')
    for m in DATE.finditer(text):
        add(m.start(), m.end(), 'date', '')
    for m in NUMBER.finditer(text):
        add(m.start(), m.end('unit'), 'number', m['unit'])
    words = sentence.words
    for i in range(len(words)):
        for count in range(min(4, len(words) - i), 0, -1):
            begin, end = words[i][0], words[i + count - 1][1]
            phrase = text[begin:end].rstrip(',.')
            if count > 1 and ',' in phrase:
                continue
            candidates = [split_particle(phrase)[0], phrase]
            if i + count == len(words) and phrase.endswith('이다'):
                candidates = [phrase[:-2]]
            for base in dict.fromkeys(candidates):
                base = base.partition('(')[0]
                known = lexicon.class_of(base)
                if known and len(base) > 1 and base not in CLASS_TYPE and not any(a < begin + len(base) and begin < b for a, b in taken):
                    most, least = {'person': (0.002, 3), 'place': (0.01, 2), 'thing': (0.008, 3)}[known[0]]
                    if (lexicon.spread[base] < most * lexicon.sampled and len(base) >= least) or base in COUNTRIES:
                        add(begin, begin + len(base), *known)
                        break
        word = words[i][2].rstrip(',')
        base, particle = split_particle(word)
        if (len(base) == 3 and particle and base[0] in SURNAMES and lexicon.spread[base] <= 0.001 * lexicon.sampled and base not in lexicon.nouns
                and re.fullmatch('[가-힣]{3}', base)):
            before = words[i - 1][2] if i else ''
            if particle in ('은', '는', '이', '가', '에게', '의') and (before in PERSON_CLASSES or (i == 0 and particle in ('은', '는'))):
                add(words[i][0], words[i][0] + 3, 'person', before if before in PERSON_CLASSES else '')
    return found


def readable(text):
    """A statement without its brackets, or None where it is a list or too long to ask about."""
    text = re.sub(r'\([^()]*\)|\[[^\[\]]*\]', '', text)
    text = re.sub(r'\s+', ' ', text).strip()
    text = re.sub(r'^(?:또한|또|이어서|이어|마침내|결국|역시|이처럼|실제로|특히|한편|하지만|그러나|다만|참고로|이후|이후에|그 후|그 뒤) ', '', text)
    if re.search(r'같은 해|이듬해|이듬 해|다음 ?해|그해|같은 날|다음날|뜻한다|말한다', text):
        return None
    if len(text) > 110 or text.count(',') > 2 or re.search(r'[·~→=()\[\]:;≪]', text) or not 5 <= len(text.split()) <= 20:
        return None
    return text


def with_subject(text, title, rng, lexicon):
    """The statement with the article's title where Wikipedia says "he", or leaves its subject out altogether."""
    name = base_title(title)
    m = PRONOUNS.match(text)
    if m:
        rest = text[m.end():]
        return with_particle(name, rest[0]) + rest[1:]
    if name in text:
        return text
    for word in text.split():
        base, particle = split_particle(word.rstrip(','))
        if particle in ('은', '는', '이', '가') and lexicon.takes_case(base, particle):
            return text
    return with_particle(name, '은') + ' ' + text if rng.random() < 0.7 else text


LOOSE = frozenset('case:' + p for p in ('에', '에서', '에서는', '까지', '부터', '으로부터', ',', 'adverb', '로', '으로', '에도', '에는'))
SUBJECT_CASES = frozenset(['case:은', 'case:는'])


WHICH_PLACE = ('나라', '국가', '도시', '섬', '강', '산', '호수', '주', '지역', '마을', '공항', '경기장', '대륙', '산맥', '항구')
EVENT = re.compile(r'[A-Z]|월드컵|올림픽|대회|선거|시즌|리그|컵|챔피언|선수권|시리즈|투어|대선|총선|드래프트|게임')
NAMING = re.compile(r'불|부른|불렀|칭|명명|알려')


class Asker:
    """Turns one span of one statement into a question."""

    def __init__(self, sentence, span, rng):
        self.sentence, self.rng = sentence, rng
        self.begin, self.end, self.kind, self.noun = span
        text = sentence.text
        self.answer = text[self.begin:self.end]
        self.first = next(i for i, w in enumerate(sentence.words) if w[1] > self.begin)
        self.last = next(i for i, w in enumerate(sentence.words) if w[1] >= self.end)
        rest = text[self.end:sentence.words[self.last][1]]
        rest = re.sub(r'^[》〉’”」』]', '', re.sub(r'^\([^()]*\)', '', rest))
        self.comma = rest.endswith(',')
        self.particle = rest.rstrip(',')
        self.chunk = next((c for c in sentence.chunks if c[0] <= self.last <= c[1]), None)

    def kept(self):
        """The chunks of a clause around the span that stay, and its predicate; some chunks are left out."""
        chunks = self.sentence.chunks
        at = chunks.index(self.chunk)
        verb = self.sentence.predicate
        first, last = 0, len(chunks) - 1
        topic = None
        cuts = [i for i, c in enumerate(chunks) if c[2] == 'conn']
        later = [i for i in cuts if i > at]
        if later and (self.rng.random() < 0.6 or len(self.sentence.words) > 14):
            found = clause_predicate(self.sentence.words[chunks[later[0]][1]][2].rstrip(','), self.sentence.tense)
            if found:
                last, verb = later[0], found
        earlier = [i for i in cuts if i < at]
        if earlier and (self.rng.random() < 0.6 or len(self.sentence.words) > 14):
            first = earlier[-1] + 1
            topic = next((c for c in chunks[:first] if c[2] in SUBJECT_CASES), None)
        inner = chunks[first:last + 1]
        drop = self.rng.choice((0, 0.2, 0.5, 0.8))
        stay = [c for i, c in enumerate(inner) if c is self.chunk or i >= len(inner) - 2 or c[2] not in LOOSE
                or (inner[i + 1][2] == 'conn') or self.rng.random() > drop]
        if topic and topic not in stay and not any(c[2] in SUBJECT_CASES or c[2] in ('case:이', 'case:가') for c in stay):
            stay.insert(0, topic)
        return stay, verb, inner[-1]

    def lead_words(self):
        """Words of the span's chunk before it; without those that would hang in the air."""
        words = [w for _, _, w in self.sentence.words[self.chunk[0]:self.first]]
        return words

    def asking_word(self):
        """(word, takes a particle) in the span's place, or None."""
        rng, particle = self.rng, self.particle
        if self.kind == 'date':
            if particle == '에':
                return rng.choice(['언제', '언제', '몇 년에', '어느 해에', '몇 년도에'] if self._is_year() else ['언제', '언제', '언제', '어느 날']), False
            if particle in ('부터', '까지', ''):
                return '언제' + particle, False
            return None
        if self.kind == 'number':
            unit = self.noun
            words = {'원': ['얼마'], '달러': ['몇 달러', '얼마'], '년': ['몇 년'], 'm': ['몇 m', '몇 미터'], 'km': ['몇 km', '몇 킬로미터'], '%': ['몇 %', '몇 퍼센트'],
                     '인': ['몇 명'], '곳': ['몇 곳', '몇 군데'], '번': ['몇 번'], '회': ['몇 회', '몇 번'], '위': ['몇 위']}
            word = rng.choice(words.get(unit, [f'몇 {unit}']))
            return word + ('의' if not particle and unit in ('개', '명', '인', '곳', '편', '권', '마리', '대') else ''), True
        if self.kind == 'person':
            if self.noun not in ('', '사람', '인물') and rng.random() < 0.2:
                return rng.choice(['어떤 ', '어느 ']) + self.noun, True
            return ('누가', False) if particle in ('이', '가', '은', '는') else ('누구', True)
        if self.kind == 'place':
            if self.noun in WHICH_PLACE and (
                    rng.random() < 0.6 or particle not in ('에', '에서', '으로', '로')):
                return f'어느 {"나라" if self.noun == "국가" else self.noun}', True
            return ('어디', True) if particle in ('에', '에서', '에서는', '로', '으로', '의', '까지', '부터', '를', '을', '') else ('어느 곳', True)
        if self.kind == 'thing' and self.noun:
            return rng.choice(['어떤 ', '어느 ', '무슨 ', '어떤 ']) + self.noun, True
        if self.kind == 'work':
            return rng.choice(['어떤 작품', '무엇', '어떤 작품']), True
        return ('무엇이라고', False) if particle in ('라고', '이라고', '라', '이라') else ('무엇', True)

    def _is_year(self):
        return self.answer.endswith('년') and ' ' not in self.answer

    def in_place(self):
        """The question with the asking word where the answer was, the order of words kept."""
        found = self.asking_word()
        if not found or self.particle not in CASES | {'', '라', '이라', '라고', '이라고'}:
            return None
        word, takes = found
        stay, verb, end = self.kept()
        subjects = [c for c in stay if c[2] in SUBJECT_CASES or c[2] in ('case:이', 'case:가')]
        if sum(c[2] in SUBJECT_CASES for c in stay) > 1 or len(subjects) > 2 or (
                self.particle in ('은', '는', '이', '가') and self.kind != 'number' and len(subjects) > 1):
            return None
        if verb[0] == 'copula' and self.particle in ('은', '는'):
            return None
        out = []
        for chunk in stay:
            words = self.sentence.words_of(chunk)
            if chunk is self.chunk:
                lead = self.lead_words()
                if self.kind in ('person', 'place', 'thing', 'work', 'quoted'):
                    if lead and lead[-1] in CLASS_TYPE and self.kind in ('person', 'thing', 'work'):
                        word, takes = '어떤 ' + lead[-1] if self.rng.random() < .5 else '어느 ' + lead[-1], True
                    lead = []
                asked = with_particle(word, self.particle) if takes and self.particle else word
                after = [w for _, _, w in self.sentence.words[self.last + 1:chunk[1] + 1]]
                if self.last == len(self.sentence.words) - 1:
                    return None
                words = lead + [asked] + after
            if chunk is end:
                words = words[:-1] + [ask(*verb, self.rng)]
            out += words
        return self._finish(out)

    def fronted(self):
        """"... 한 사람은 누구인가?": the clause before a noun that stands for the answer."""
        kind = {'work': 'thing', 'quoted': 'thing'}.get(self.kind, self.kind)
        allowed = {'person': ('은', '는', '이', '가', '을', '를'), 'date': ('에',), 'place': ('에', '에서', '은', '는', '을', '를', '이', '가'),
                   'thing': ('은', '는', '이', '가', '을', '를')}
        if self.particle not in allowed.get(kind, ()) or (self.kind == 'place' and self.particle in ('은', '는', '이', '가') and not self.noun):
            return None
        if self.last == len(self.sentence.words) - 1 or self.chunk[1] != self.last:
            return None
        stay, verb, end = self.kept()
        if sum(c[2] in SUBJECT_CASES for c in stay) > 1:
            return None
        out, subject = [], self.particle in ('은', '는', '이', '가')
        for chunk in stay:
            words = self.sentence.words_of(chunk)
            if chunk is self.chunk:
                continue
            if chunk is end and verb[0] == 'copula':  # "... 있는 도시이다" -> "... 있는 도시는 어디인가?"
                return self._finish(out + words[:-1] + [tail(verb[1], kind, self.rng)]) if out + words[:-1] else None
            if chunk is end:
                words = words[:-1] + [modifier(*verb)]
            elif chunk[2] in SUBJECT_CASES:
                if subject:
                    return None
                base = split_particle(words[-1].rstrip(','))[0]
                words = words[:-1] + [with_particle(base, '이')]
            out += words
        if len(out) < 2:
            return None
        heads = {'person': [self.noun] if self.noun not in ('', '사람', '인물') and self.rng.random() < .35 else ['사람', '사람', '인물'],
                 'date': ['해', '해', '연도', '때', '것'] if self._is_year() else ['날', '날짜', '때', '시기', '것'] if '일' in self.answer else ['때', '시기', '것'],
                 'place': [self.noun if self.noun else '곳'] if self.noun in ('나라', '도시', '섬', '강', '산', '지역', '경기장', '공항') else ['곳', '곳', '장소'],
                 'thing': [self.noun] if self.noun else ['작품', '것'] if self.kind == 'work' else ['것']}[kind]
        head = self.rng.choice(heads)
        if kind == 'date' and head == '해' and self.rng.random() < .3:
            return self._finish(out + ['해는?' if self.rng.random() < .6 else '해는 몇 년인가?'])
        if head == '것':
            return self._finish(out + [f'것은 {WHAT[kind]}{self.rng.choice(["인가?", "인가?", "야?" if kind != "thing" else "인가요?", "일까?"])}'])
        return self._finish(out + [tail(head, kind, self.rng)])

    def predicated(self):
        """The answer is the predicate: "수도는 파리이다" -> "수도는 어디인가?"."""
        if self.last != len(self.sentence.words) - 1 or self.sentence.predicate[0] != 'copula' or self.particle != '이다':
            return None
        if self.kind == 'number':
            word = self.asking_word()[0]
        else:
            word = WHAT.get(self.kind, '무엇')
        lead = []
        for chunk in self.sentence.chunks[:-1]:
            lead += self.sentence.words_of(chunk)
        if not lead or self.sentence.chunks[-2][2] not in SUBJECT_CASES:
            return None
        if self.rng.random() < .3:
            return self._finish(lead[:-1] + [lead[-1] + '?'])
        return self._finish(lead + [ask('copula', word, self.rng)])

    def _finish(self, words):
        text = ' '.join(words)
        if self.answer in text or any(len(w) > 1 and w in text for w in self.answer.split()):
            return None
        for a, b in self.rng.sample(SWAPS, len(SWAPS)):
            if a in text and self.rng.random() < 0.5:
                text = text.replace(a, b, 1)
                break
        text = re.sub(r'\([^()]*\)', '', text)
        return re.sub(r',(?=\S*\?$)', '', re.sub(r'\s+', ' ', text)).strip()

    def relative(self):
        """A date or place inside a clause before a noun: "1831년에 일어난 11월 봉기는" -> "11월 봉기가 일어난 해는?"."""
        if self.kind not in ('date', 'place') or self.particle not in ('에', '에서', ''):
            return None
        words = self.sentence.words
        verb = next((i for i in range(self.last + 1, self.chunk[1]) if CLAIMED_BY_VERB.search(words[i][2])), None)
        if verb is None or verb - self.last > 4 or self.chunk[1] - verb > 4 or self.chunk[2] == 'predicate':
            return None
        between = [w for _, _, w in words[self.last + 1:verb]]
        name = [w for _, _, w in words[verb + 1:self.chunk[1] + 1]]
        base, particle = split_particle(name[-1].rstrip(','))
        if not particle or any(ADNOMINAL.search(w) for w in name[:-1]):
            return None
        head = {'date': self.rng.choice(['해', '연도', '때'] if self._is_year() else ['날', '때', '시기']), 'place': '곳'}[self.kind]
        return self._finish(name[:-1] + [with_particle(base, '이')] + between + [words[verb][2], tail(head, self.kind, self.rng)])

    def _reads_badly(self):
        """Lists, genitives without a noun and spans inside a longer name make no question."""
        before = self.sentence.text[:self.begin].rstrip('《〈「『‘“')
        words = self.sentence.words
        following = words[self.last + 1][2] if self.last + 1 < len(words) else ''
        if before.endswith((', ', ',', '·', '및 ', '또는 ', '와 ', '과 ', '대 ')) or self.particle in ('와', '과', '도', '만'):
            return True
        if self.comma and self.kind != 'date':
            return True
        if following.startswith(('등', '및', '또는', '동안', '대 ', '~', '·')):
            return True
        if self.kind not in ('date', 'number') and self.particle == '':
            return True
        if self.kind == 'place' and self.particle in ('은', '는', '이', '가') and self.noun not in WHICH_PLACE:
            return True
        if self.kind == 'date' and self.particle == '' and EVENT.search(' '.join(w for _, _, w in words[self.last + 1:self.chunk[1] + 1])):
            return True
        if self.kind == 'quoted' and not (self.particle in ('로', '으로', '라', '이라', '라고', '이라고', '') and NAMING.search(words[-1][2])):
            return True
        if self.kind == 'number' and self.noun == '대' and re.match('주주|대통령|총리|회장|왕|국왕|총장|의원|국회|감독|사장|시장|교황', following):
            return True
        if self.kind == 'number' and (self.answer[:1] == '0' or re.match(r'(?:19|20)\d\d ', self.answer)):
            return True
        if self.kind == 'number' and (self.particle in ('은', '는') or (self.noun in ('세', '위', '층', '번', '회', '점') and self.first and not split_particle(words[self.first - 1][2])[1])):
            return True
        return False

    def question(self):
        """The question, or None where none of the ways reads well."""
        if self.chunk is None or self._reads_badly():
            return None
        inside = any(ADNOMINAL.search(w) for _, _, w in self.sentence.words[self.last + 1:self.chunk[1]])
        if inside:
            ways = [self.relative]
        elif self.last == len(self.sentence.words) - 1:
            ways = [self.predicated]
        else:
            ways = [self.in_place, self.fronted, self.fronted]
            self.rng.shuffle(ways)
        for way in ways:
            made = way()
            if made and 9 <= len(made) <= 75 and len(made.split()) >= 3 and len(set(terms(made)) - QUESTION_TERMS) >= 5:
                return made
        return None
