"""Korean questions made from the Korean Wikipedia: statements turned into questions, definitions and facts asked for."""
import collections, re

from .hangul import CASES, ask, clause_predicate, final, modifier, parts, predicate, split_particle, with_particle
from .rows import clean, sentences, terms

SURNAMES = frozenset('김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모')
CLASS_TYPE = {}
for kind, names in {
    'person': '사람 인물 배우 가수 정치인 작가 소설가 시인 축구선수 선수 감독 화가 작곡가 학자 물리학자 화학자 수학자 철학자 역사학자 경제학자 군인 장군 왕 국왕 황제 '
              '황후 왕비 신학자 변호사 기업인 언론인 성우 모델 희극인 개그맨 코미디언 아나운서 방송인 영화감독 각본가 극작가 음악가 피아니스트 지휘자 '
              '만화가 건축가 의사 교수 교육자 독립운동가 문신 무신 승려 성직자 목사 혁명가 외교관 법조인 판사 과학자 생물학자 천문학자 심리학자 사회학자 '
              '언어학자 발명가 탐험가 무용가 조각가 사진가 래퍼 싱어송라이터 음악 프로듀서 대통령 총리 국회의원 의원 공작 백작 왕자 공주 교황 추기경 기타리스트',
    'place': '도시 나라 국가 주 현 강 섬 산 호수 마을 지역 지방 지명 반도 항구 시 군 구 읍 면 동 리 수도 대륙 바다 만 산맥 사막 역 공항 공원 다리 성 궁전 사찰 절 경기장 건물',
    'thing': '영화 드라마 소설 노래 음반 앨범 싱글 게임 만화 애니메이션 회사 기업 대학교 대학 학교 고등학교 팀 구단 축구단 정당 단체 기관 종교 언어 민족 왕조 '
             '제국 왕국 전쟁 전투 사건 조약 법 대회 리그 상 책 신문 잡지 방송국 프로그램 동물 식물 원소 화합물 음식 악기 스포츠 무기 항공기 전투기 함선 전함 자동차 '
             '철도역 노선 도로 이론 질병 소프트웨어 밴드 그룹 걸그룹 기술 물질 은행 축제 학문 시리즈 작품 비디오 사상 문자 신 행성 별',
}.items():
    CLASS_TYPE.update(dict.fromkeys(names.split(), kind))
PERSON_CLASSES = frozenset(n for n, kind in CLASS_TYPE.items() if kind == 'person' and len(n) > 1)
SUFFIXES = [('대학교', '대학교'), ('고등학교', '고등학교'), ('전쟁', '전쟁'), ('전투', '전투'), ('왕국', '왕국'), ('제국', '제국'), ('조약', '조약'),
            ('산맥', '산맥'), ('공항', '공항'), ('은행', '은행'), ('민주당', '정당'),
            ('공화국', '나라'), ('광역시', '도시'), ('특별시', '도시'), ('경기장', '경기장')]
SUFFIX_ENDS = tuple(suffix for suffix, _ in SUFFIXES)
COUNTRIES = frozenset('대한민국 미국 일본 중국 영국 프랑스 독일 러시아 이탈리아 스페인 캐나다 인도 브라질 멕시코 네덜란드 벨기에 스위스 스웨덴 노르웨이 덴마크 핀란드 폴란드 '
                      '오스트리아 헝가리 체코 그리스 터키 이집트 이란 이라크 이스라엘 베트남 태국 필리핀 인도네시아 호주 오스트레일리아 뉴질랜드 아르헨티나 칠레 소련 북한 조선 '
                      '고려 신라 백제 고구려 중화민국 청나라 명나라 당나라 송나라 원나라 우크라이나 포르투갈 아일랜드 루마니아 쿠바 몽골'.split())
COUNTERS = ('명|개국|개|마리|권|편|곳|대|회|번|개월|시간|분|초|km|㎞|m|cm|mm|kg|t|톤|원|달러|엔|유로|파운드|%|퍼센트|위|층|세|살|골|경기|승|가구|척|장|ha|'
            'km²|㎢|m²|쪽|종|점|년간|일간|세대|미터|킬로미터|인|가지')
DATE = re.compile(r'(?<![\d.,])(?:기원전 \d{1,4}|\d{3,4})년(?: \d{1,2}월(?: \d{1,2}일)?)?(?=에|의|부터|까지|$|,|\s|에서)|(?<!\d)(?<!년 )\d{1,2}월 \d{1,2}일')
NUMBER = re.compile(rf'(?<![-−\d.,:A-Za-z가-힣])(?<![조억만천] )\d[\d,.]*\s?(?:[조억만천]\s?(?:\d[\d,]*\s?)?)*(?P<unit>{COUNTERS})'
                    r'(?=$|[\s,.)]|[은는이가을를의에로과와]|으로|까지|정도|이다|이상|씩|만에|이며)')
QUOTED = re.compile(r'[《〈‘“「『](?P<inside>[^》〉’”」』《〈]{2,24})[》〉’”」』]')
PRONOUNS = re.compile(r'^(?:그|그녀|이 영화|이 작품|이 곡|이 노래|이 앨범|이 회사|이 학교|이 책|이 소설|이 게임|이 도시|이곳|이 섬|이 역|본 작품|이 드라마)(?=[은는이가의])')
BAD_START = re.compile(r'^(?:이는|이것|그것|이를|이로|이에|그러나|하지만|따라서|그래서|또한|그리고|이후|이때|당시|한편|그 |이 |이러한|그런|예를|즉|그들|이들|여기|위의|다음)')

SWAPS = [('설립', '창립'), ('사망', '별세'), ('출판', '출간'), ('출간', '발간'), ('입학', '진학'), ('건설', '건립'), ('완공', '준공'), ('사용', '이용'),
         ('획득', '취득'), ('점령', '장악'), ('결혼', '혼인'), ('창설', '설립'), ('창단', '창립'), ('선출', '선임'), ('합병', '통합'), ('처음으로', '최초로'),
         ('함께', '같이'), ('모두', '전부'), ('매우', '아주'), ('가장', '제일'), ('때문에', '탓에'), ('공격', '습격'), ('임명', '선임'), ('발매', '출시')]
SWAPS += [(b, a) for a, b in SWAPS]
CLAIMED_BY_VERB = re.compile(r'(?:된|난|열린|지어진|불린|만들어진|세워진|숨진|알려진|진행한|이루어진)$')  # what is told is the subject of these
AUXILIARY = re.compile(r'^(?:있|없|않|못하|못했|못한|싶|주었|준다|줬|버렸|버린|놓|두었|둔|왔|온|갔|간다|보았|본|보인|되었|되어|된|됐|한다|했|하였|하는|나갔|나간|말았|냈|낸)')
QUESTION_TERMS = set(terms('언제인가 무엇인가 누구인가 어디인가 어느 나라 어떤 작품 알려줘 했는가 되었는가 사람은 하였는가'))
TAILS = {'person': ['{은} 누구인가?', '{은} 누구인가?', '{은}?', '{은}?', '{은} 누구야?', '{은} 누구예요?', '{은} 누구일까?', '{의} 이름은?', '{의} 이름은 무엇인가?', '{이} 누구인지 알려줘.', '{은} 누구입니까?'],
         'place': ['{은} 어디인가?', '{은} 어디인가?', '{은}?', '{은}?', '{은} 어디야?', '{은} 어디예요?', '{이} 어디인지 알려줘.', '{은} 어디일까?'],
         'date': ['{은} 언제인가?', '{은} 언제인가?', '{은}?', '{은} 언제야?', '{은} 언제인가요?', '{이} 언제인지 알려줘.', '{은} 언제일까?'],
         'thing': ['{은} 무엇인가?', '{은} 무엇인가?', '{은}?', '{은}?', '{은} 뭐야?', '{은} 무엇일까?', '{은} 뭐예요?', '{의} 이름은?', '{의} 이름은 무엇인가?', '{의} 명칭은?', '{이} 뭔지 알려줘.'],
         'number': ['{은} 얼마인가?', '{은}?', '{은} 얼마야?', '{은} 얼마나 되나?', '{은} 얼마나 되나요?', '{은} 몇 {unit}인가?']}
WHAT = {'person': '누구', 'place': '어디', 'thing': '무엇', 'date': '언제'}


def tail(head, kind, rng, unit=''):
    text = rng.choice(TAILS[kind])
    for slot, particle in (('{은}', '은'), ('{이}', '이'), ('{의}', '의')):
        if slot in text:
            text = text.replace(slot, '')
            return with_particle(head, particle) + text.replace('{unit}', unit)
    return head + text


def base_title(title):
    return re.sub(r' ?\([^()]*\)$', '', title)


DEFINED = re.compile(r'^(?P<subject>[^.]{1,120}?)[은는] (?P<predicate>[^.]{2,140}?)(?:이다|다)\.')


class Lexicon:
    """What a first pass over the Wikipedia learns: which words are nouns, and the class of each article's subject."""
    LEAST_CASES = 3

    def __init__(self, articles, rng):
        cases = collections.defaultdict(set)
        self.spread = collections.Counter()  # in how many sampled articles a noun occurs
        sampled = 0
        self.kind = {}                       # title -> (type, class noun)
        for article in articles:
            title = base_title(clean(article['title']))
            first = clean(article['text'][:400])
            match = DEFINED.match(first)
            if match and len(title) > 1 and '(' not in article['title']:
                noun = match['predicate'].split()[-1].rstrip('이')
                for start in range(len(noun) - 1 if len(noun) > 1 else 1):
                    if noun[start:] in CLASS_TYPE and (len(noun[start:]) > 1 or start == 0):
                        self.kind.setdefault(title, (CLASS_TYPE[noun[start:]], noun[start:]))
                        break
            if rng.random() < 0.08:
                sampled += 1
                seen = set()
                for word in re.findall(r'[가-힣]+', article['text'][:6000]):
                    base, particle = split_particle(word)
                    if particle and particle != '이':
                        cases[base].add(particle)
                        seen.add(base)
                self.spread.update(seen)
        self.nouns = {base for base, found in cases.items() if len(found) >= self.LEAST_CASES and
                      found & {'을', '를', '의'} and len(base) > 1}
        self.nouns |= set(self.kind)
        for country in COUNTRIES:
            self.kind[country] = 'place', '나라'
        self.sampled = max(1, sampled)
        self.nouns -= {'하', '되', '있', '그', '이', '만드', '받', '가지'}

    def is_noun(self, base):
        if not base:
            return False
        tidy = base.strip('\'"‘’“”《》〈〉「」()')
        return tidy in self.nouns or bool(re.search(r'[0-9A-Za-z)》〉’”」]$', base)) or (
            len(tidy) > 2 and any(tidy[i:] in self.nouns and len(tidy) - i > 1 for i in range(1, len(tidy) - 1)))

    def takes_case(self, base, particle):
        """Whether base + particle is a noun with its case and not a verb that happens to end so."""
        if self.is_noun(base) or particle in ALWAYS_CASE:
            return True
        if particle in ('은', '는', '이', '가'):
            return len(base) > 2 and not VERBAL.search(base)
        return particle in ('을', '에', '로', '으로') and len(base) > 1 and not (parts(base[-1]) or (0, 0, 0))[2] == 20

    def is_phrase_end(self, word):
        base, particle = split_particle(word)
        return bool(ADNOMINAL.search(word)) or (bool(particle) and self.is_noun(base))

    def class_of(self, phrase):
        """-> (type, class noun or '') of a phrase that is a known title or ends like one, else None."""
        found = self.kind.get(phrase)
        if found:
            return found
        if not phrase.endswith(SUFFIX_ENDS):
            return None
        for suffix, noun in SUFFIXES:
            if ' ' in phrase and suffix not in ('대학교', '고등학교', '공항', '산맥', '은행'):
                continue
            if phrase.endswith(suffix) and len(phrase) > len(suffix) + 1 and (
                    ' ' not in phrase or re.fullmatch(rf'[가-힣]+ {suffix}', phrase) and not self.is_phrase_end(phrase.split()[0])):
                return CLASS_TYPE.get(noun, 'place' if noun in ('나라', '도시', '산맥', '공항', '경기장') else 'thing'), noun
        return None


ALWAYS_CASE = frozenset(['를', '에서', '에게', '에는', '에서는', '까지', '부터', '으로부터', '로부터', '의', '에게서', '에도'])
VERBAL = re.compile(r'(?:하|되|있|없|지|리|기|치|나|오|가|시키|이|히|우|추|르|뜨|크|않|받|얻|잡|들|싶|주|보|내|만드|많|높|낮|작|같|좋|넓|깊|닫|짓|읽|먹|앉|입|죽|살|알|열)$')
ADNOMINAL = re.compile(r'(?:하는|되는|있는|없는|던|했던|된|한|인|운|은|는|른|난|린|진|킨|친|온|본|간|준|할|될|릴|일)$')


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


# ---- spans ------------------------------------------------------------------------------------------------------

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


# ---- questions --------------------------------------------------------------------------------------------------

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


# ---- definitions and facts ----------------------------------------------------------------------------------------

ASK_WHAT = ['{은} 무엇인가?', '{은} 무엇인가?', '{이란} 무엇인가?', '{이란}?', '{이} 뭐야?', '{은} 뭐야?', '{이} 무엇인가요?', '{은} 무엇입니까?', '{이} 뭐예요?',
            '{이} 뭔지 알려줘.', '에 대해 알려줘.', '{은} 무엇을 말하는가?', '{은} 어떤 것인가?']
ASK_WHO = ['{은} 누구인가?', '{은} 누구인가?', '{이} 누구야?', '{은} 누구야?', '{은} 누구인가요?', '{은} 누구예요?', '{은} 어떤 사람인가?', '{은} 어떤 인물이야?', '{은} 누구입니까?',
           '{이} 누구인지 알려줘.', '{은} 뭐하는 사람이야?', '에 대해 알려줘.']
MADE_BY = {'감독': ['{의} 감독은?', '{을} 감독한 사람은 누구인가?', '{은} 누가 감독했나요?'], '쓴': ['{의} 저자는?', '{을} 쓴 사람은 누구인가?', '{은} 누가 썼나?', '{의} 작가는 누구야?'],
           '지은': ['{을} 지은 사람은 누구인가?', '{의} 지은이는?', '{은} 누가 지었나?'], '작곡': ['{을} 작곡한 사람은?', '{은} 누가 작곡했나?', '{의} 작곡가는 누구인가?'],
           '개발': ['{의} 개발사는?', '{은} 어디에서 개발했나?', '{을} 개발한 곳은 어디인가?', '{을} 개발한 회사는?'], '제작': ['{의} 제작사는?', '{은} 누가 제작했나?', '{을} 만든 곳은?'],
           '설립': ['{의} 설립자는?', '{은} 누가 설립했나?', '{을} 세운 사람은 누구인가?'], '부른': ['{을} 부른 가수는?', '{은} 누구의 노래인가?', '{은} 누가 불렀나?'],
           '발견': ['{을} 발견한 사람은?', '{은} 누가 발견했나?'], '만든': ['{을} 만든 것은 누구인가?', '{은} 누가 만들었나?', '{을} 만든 사람은?'],
           '운영': ['{은} 누가 운영하나?', '{을} 운영하는 곳은?', '{의} 운영사는?'], '출연': ['{에} 출연한 배우는?', '{의} 주연은 누구인가?', '{에} 누가 나오나?']}
STARTED = {'설립': '설립되었', '창립': '창립되었', '창단': '창단되었', '개교': '개교했', '결성': '결성되었', '창간': '창간되었', '개통': '개통되었', '개업': '개업했', '발매': '발매되었', '개봉': '개봉했',
           '출시': '출시되었', '데뷔': '데뷔했', '출판': '출판되었', '출간': '출간되었', '건설': '건설되었', '준공': '준공되었', '완공': '완공되었', '방영': '방영되었', '발견': '발견되었', '지정': '지정되었', '개최': '개최되었'}
PERSON_ATTRIBUTES = '아버지 어머니 배우자 부인 남편 아내 감독 주인공 설립자 창립자 작가 작곡가 시조 회장 대표이사 교장 총장 사장 구단주 아들 딸 스승 후임 전임자 저자 주연'.split()
PLACE_ATTRIBUTES = '수도 주소 본사 연고지 홈구장 출생지 고향 소재지 본점 행정 중심지 주도 배경 본거지 묘소 근거지 서식지 원산지 군청 소재지 최대 도시'.split()
NUMBER_ATTRIBUTES = '인구 면적 높이 길이 인구 밀도 키 너비 폭 깊이 무게 해발 고도 지름 상금 제작비 시청률 정원 학생 수'.split()
OTHER_ATTRIBUTES = ('본명 별명 원제 본관 호 자 시호 공용어 국화 법명 세례명 애칭 직업 종교 국적 좌우명 교훈 교목 교화 학명 장르 예명 옛 이름 다른 이름 약칭 정식 명칭 영어 이름 표어 '
                    '별칭 휘 묘호 혈액형 전공 주제 마스코트 상징 통화 화폐 주요 산업 특산물 소속사 모교 주성분 어원 대표작 데뷔작 우승팀').split()
ATTRIBUTES = sorted(set(PERSON_ATTRIBUTES + PLACE_ATTRIBUTES + NUMBER_ATTRIBUTES + OTHER_ATTRIBUTES) | {'행정 중심지', '인구 밀도', '최대 도시', '학생 수', '옛 이름',
                    '다른 이름', '정식 명칭', '영어 이름', '주요 산업', '군청 소재지'}, key=len, reverse=True)
ATTRIBUTE = re.compile(rf"(?:^|[.,] )(?P<name>{'|'.join(ATTRIBUTES)})(?P<particle>은|는) (?:약 )?(?P<value>[^,.()]{{1,28}}?)(?=이다\.|이며|이고|였으며|이었으며|이었다\.|였다\.|,? 이다|\(|이다,)")
BORN = re.compile(r'\([^()]{0,60}?(?P<birth>\d{3,4}년 \d{1,2}월 \d{1,2}일)[^()~]{0,20}~ ?[^()~]{0,12}?(?P<death>\d{3,4}년 \d{1,2}월 \d{1,2}일)?[^()]{0,30}\)')
PLACED = re.compile(r'(?P<value>[^,.()]{3,40}?)에 (?:위치한|있는|위치하는|소재한|자리한|있었던|위치하고 있는)\s')
MADE = re.compile(r"(?:^|[ ,])(?P<value>[^,.()]{2,24}?)(?:이|가) (?:\S+ )?(?P<verb>쓴|지은|부른|만든|감독|작곡|개발|제작|설립|발견|운영|출연)(?:한|하는|했던)? ")
SAID = re.compile(r'''(?:[^.]*?[)》〉’'"])?[은는] (?P<said>[^.()]{2,150}?)(?:이다|[을를] (?:말한다|뜻한다|가리킨다))\.''')
NOBLE = re.compile(r'(?:황후|왕후|공주|옹주|왕비|대군|[가-힣] [가-힣]씨|세)$')
NATION = re.compile(r"^(?P<value>" + '|'.join(sorted(COUNTRIES, key=len, reverse=True)) + r")의? ")
START = re.compile(r"(?P<value>\d{3,4}년(?: \d{1,2}월(?: \d{1,2}일)?)?)(?:에)? (?:\S+ )?(?P<verb>" + '|'.join(STARTED) + r")(?:[하되된한했됐돼]|$)")


def fill(template, name):
    """'{은} 누구인가?' with the name in front and the particle that suits it."""
    for slot, particle in (('{은}', '은'), ('{이란}', '이란'), ('{이}', '이'), ('{을}', '을'), ('{의}', '의'), ('{에}', '에')):
        if template.startswith(slot):
            rest = template[len(slot):]
            if particle == '이란':
                return with_particle(name, '이라')[:len(name)] + ('이란' if final(name) else '란') + rest
            return with_particle(name, particle) + rest
    return name + template


def definition_and_facts(title, paragraph, lexicon, rng):
    """Yields (question, begin, end, kind) from an article's first paragraph."""
    name = base_title(title)
    first = re.match(r'[^\n]*?(?:다|음|됨)\.(?= |$)', paragraph)
    first = first.group() if first else paragraph[:200]
    quoted = re.match(r'[《〈‘\'"]?', first).end()
    m = SAID.match(first, quoted + len(name)) if first.startswith(name, quoted) else None
    known = lexicon.kind.get(name, ('person', '') if NOBLE.search(name) or BORN.search(first) else ('thing', ''))
    if m:
        begin, end = m.span('said')
        said = m['said']
        about = known[0] == 'person'
        if len(said) <= 48 and not re.search(r'[은는] ', said[:20]):
            yield fill(rng.choice(ASK_WHO if about else ASK_WHAT), name), begin, end, 'definition'
        nation = NATION.match(said)
        if nation and known[1]:
            question = rng.choice([f"{with_particle(name, '은')} 어느 나라 {known[1]}인가?", f"{with_particle(name, '은')} 어느 나라의 {known[1]}인가요?",
                                   f"{name}의 국적은?" if about else f"{with_particle(name, '은')} 어느 나라에 있나?" if known[0] == 'place' else f"{with_particle(name, '은')} 어느 나라 {known[1]}이야?" if final(known[1]) else f"{with_particle(name, '은')} 어느 나라 {known[1]}야?"])
            yield question, begin, begin + nation.end('value'), 'fact'
        if about and said.endswith(known[1]) and rng.random() < 0.5:
            yield rng.choice([f'{name}의 직업은?', f'{name}의 직업은 무엇인가?', f"{with_particle(name, '은')} 무슨 일을 하는 사람인가?"]), end - len(known[1]), end, 'fact'
        placed = PLACED.match(said + ' ')
        if placed and not about and ' ' in placed['value'][:-1] and not re.search(r'[을를이가은는] |중 ', placed['value']):
            yield fill(rng.choice(['{은} 어디에 있나?', '{은} 어디에 위치해 있는가?', '{의} 위치는?', '{은} 어디에 있어?', '{이} 있는 곳은 어디인가?', '{의} 소재지는?', '{은} 어느 지역에 있는가?', '{이} 위치한 곳은?']), name), begin, begin + placed.end('value'), 'fact'
        made = MADE.search(said)
        if made and not re.search(r'[을를에] |[은는] ', made['value']):
            begins = begin + made.start('value')
            yield fill(rng.choice(MADE_BY[made['verb']]), name), begins, begin + made.end('value'), 'fact'
    born = BORN.search(first[:160])
    if born:
        year = re.match(r'\d+년', born['birth']).end()
        ask_year = rng.random() < 0.3
        yield fill(rng.choice(['{은} 몇 년도에 태어났나?', '{이} 태어난 해는?', '{이} 태어난 연도는 언제인가?', '{은} 몇 년생이야?', '{의} 출생 연도는?'] if ask_year else
                              ['{은} 언제 태어났나?', '{의} 생일은 언제인가?', '{이} 태어난 날은?', '{의} 생년월일은?', '{은} 언제 태어났어?', '{의} 출생일은 언제인가?', '{이} 태어난 것은 언제인가?', ' 생년월일', '{의} 생일이 언제예요?']), name), \
            born.start('birth'), born.start('birth') + year if ask_year else born.end('birth'), 'fact'
        if born['death']:
            yield fill(rng.choice(['{은} 언제 사망했나?', '{이} 사망한 날은?', '{이} 죽은 날은 언제인가?', '{은} 언제 세상을 떠났는가?', '{의} 사망일은?', '{은} 언제 죽었어?', '{이} 별세한 것은 언제인가?']), name), born.start('death'), born.end('death'), 'fact'
    start = START.search(paragraph)
    if start and not born:
        stem = STARTED[start['verb']]
        noun = start['verb']
        yield rng.choice([f"{with_particle(name, '은')} 언제 {ask('past', stem, rng)}", f"{with_particle(name, '이')} {modifier('past', stem)} 해는?", f'{name}의 {noun} 연도는?', f'{name}의 {noun} 시기는 언제인가?',
                          f"{with_particle(name, '이')} {modifier('past', stem)} 것은 언제인가?"]), start.start('value'), start.end('value'), 'fact'
    yield from attributes(name, paragraph, rng)


def attributes(name, paragraph, rng):
    """Yields (question, begin, end, 'fact') of "... 본명은 X이다" and its like."""
    for m in ATTRIBUTE.finditer(paragraph):
        value, attribute = m['value'], m['name']
        if len(value.strip()) < 1 or re.search(r'[은는이가을를] |다$|위해|때문|것$|않', value) or value.split()[0] in ('그', '이', '다음과'):
            continue
        what = '누구' if attribute in PERSON_ATTRIBUTES else '어디' if attribute in PLACE_ATTRIBUTES else '얼마' if attribute in NUMBER_ATTRIBUTES else '무엇'
        if what == '얼마' and not re.search(r'\d', value):
            continue
        asked = with_particle(f'{name}의 {attribute}', '은')
        question = rng.choice([asked + '?', asked + f' {what}인가?', asked + f' {what}인가?', asked + (f' {what}야?' if what != '무엇' else ' 뭐야?'), asked + f' {what}인가요?', asked + (f' {what}예요?' if what != '무엇' else ' 뭐예요?'),
                               f'{name} {attribute}', with_particle(f'{name}의 {attribute}', '을') + ' 알려줘.'])
        begin, end = m.span('value')
        quoted = re.fullmatch(r"[‘'“\"《〈「]([^’'”\"》〉」]+)[’'”\"》〉」]", value)
        if quoted:
            begin, end = begin + 1, end - 1
        yield question, begin, end, 'fact'


# ---- an article ------------------------------------------------------------------------------------------------

def statements(paragraphs, rng, most):
    """[(paragraph number, begin, end)] of sentences that may be asked about, shuffled."""
    tried = range(len(paragraphs)) if len(paragraphs) <= 6 else rng.sample(range(len(paragraphs)), 6)
    found = [(i, a, b) for i in tried for text in (paragraphs[i],) for a, b in sentences(text)
             if 20 < b - a < 170 and text[b - 2:b] == '다.' and not BAD_START.match(text[a:b])]
    rng.shuffle(found)
    return found[:most]


def questions(title, paragraphs, lexicon, rng, most=5):
    """Yields (question, paragraph number, begin, end of the answer, kind, sentence asked about)."""
    for question, begin, end, kind in definition_and_facts(title, paragraphs[0], lexicon, rng):
        yield question, 0, begin, end, kind, None
    for i in range(1, min(len(paragraphs), 6)):
        for question, begin, end, kind in attributes(base_title(title), paragraphs[i], rng):
            yield question, i, begin, end, kind, None
    whole = '\n'.join(paragraphs)
    for i, a, b in statements(paragraphs, rng, most if len(paragraphs) < 8 else 2 * most):
        text = readable(paragraphs[i][a:b])
        sentence = text and Sentence(with_subject(text, title, rng, lexicon), lexicon)
        if not sentence or not sentence.predicate:
            continue
        spans = typed_spans(sentence, lexicon)
        rng.shuffle(spans)
        spans.sort(key=lambda span: whole.count(sentence.text[span[0]:span[1]]) < 2)  # what is told twice first
        for span in spans[:2]:
            question = Asker(sentence, span, rng).question()
            answer = sentence.text[span[0]:span[1]]
            if question and paragraphs[i][a:b].count(answer) == 1:
                at = paragraphs[i].index(answer, a)
                yield question, i, at, at + len(answer), 'cloze ' + span[2], (a, b)
