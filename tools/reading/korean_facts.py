"""Korean questions for definitions and for facts that stand in fixed words: births, places, makers, attributes."""
import re

from .hangul import ask, final, modifier, with_particle
from .korean_words import COUNTRIES
from .rows import base_title

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
