"""What Korean questions are made with: word lists, and a lexicon learnt from the Korean Wikipedia."""
import collections, re

from .hangul import parts, split_particle, with_particle
from .rows import base_title, clean, terms

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


DEFINED = re.compile(r'^(?P<subject>[^.]{1,120}?)[은는] (?P<predicate>[^.]{2,140}?)(?:이다|다)\.')
ALWAYS_CASE = frozenset(['를', '에서', '에게', '에는', '에서는', '까지', '부터', '으로부터', '로부터', '의', '에게서', '에도'])
VERBAL = re.compile(r'(?:하|되|있|없|지|리|기|치|나|오|가|시키|이|히|우|추|르|뜨|크|않|받|얻|잡|들|싶|주|보|내|만드|많|높|낮|작|같|좋|넓|깊|닫|짓|읽|먹|앉|입|죽|살|알|열)$')
ADNOMINAL = re.compile(r'(?:하는|되는|있는|없는|던|했던|된|한|인|운|은|는|른|난|린|진|킨|친|온|본|간|준|할|될|릴|일)$')


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
