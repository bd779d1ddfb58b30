"""What every part of make_reading_data.py shares: clean text, sentences, windows, words, rows and the check
against the passages kept for measuring."""
import functools, html, json, re, subprocess, unicodedata

MOST_BYTES = 1200   # of a passage
LEAST_BYTES = 40
SHARED_CHARACTERS = 60  # as many in common with a measured passage (white space left out) drop a training passage


def zst_rows(path):
    with subprocess.Popen(['zstdcat', path], stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            yield json.loads(line)


# Wikipedia's text comes without its templates: "하버드(, )는" had a pronunciation between the brackets.
EMPTY_BRACKETS = re.compile(r' ?[(（][\s,;:·/\[\]]*[)）]')
BRACKET_START = re.compile(r'([(（])[\s,;:]+(?=\S)')
BRACKET_END = re.compile(r'[\s,;:]+([)）])')
SPACES = re.compile(r' *[\t\u00a0\u3000\u200b][ \t\u00a0\u3000\u200b]*|  +')  # a single space is no match: most are


def clean(text):
    """NFC, without the empty brackets and doubled spaces that lost templates leave behind."""
    text = unicodedata.normalize('NFC', html.unescape(text) if '&' in text else text)
    if '(' in text or '（' in text:
        text = EMPTY_BRACKETS.sub('', text)
        text = BRACKET_START.sub(r'\1', text)
        text = BRACKET_END.sub(r'\1', text)
    return SPACES.sub(' ', text).strip()


def base_title(title):
    """A title without what tells it from others of its name: "Mercury (planet)" -> "Mercury"."""
    return re.sub(r' ?\([^()]*\)$', '', title)


PENN = [('-LRB- ', '('), (' -RRB-', ')'), ('-LSB- ', '['), (' -RSB-', ']'), ('-LRB-', '('), ('-RRB-', ')'), ('`` ', '"'), (" ''", '"'), ('``', '"'),
        ("''", '"')]
PENN_SPACE = re.compile(r" (?=[,.;:?!%)]|'s\b|'t\b|n't\b|'re\b|'ve\b|'ll\b|'d\b|'m\b|'(?= ))|(?<=[(\[$£]) | (?=\])")


def unpenn(text):
    """Joins what the Penn Treebank tokeniser pulled apart: "the circuit 's costs ." -> "the circuit's costs."."""
    for token, sign in PENN:
        text = text.replace(token, sign)
    return clean(PENN_SPACE.sub('', text).replace(' -- ', ' – '))


NOT_AN_END = re.compile(r'(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Col|Lt|Sgt|Rev|No|vs|etc|cf|ca|c|e\.g|i\.e|U\.S|U\.K|'
                        r'Inc|Ltd|Co|Corp|Mt|Ft|Fr|Hon|Vol|pp|al|approx|Ph\.D|a\.m|p\.m|B\.C|A\.D)|^\d+)\.$')
END = re.compile(r'[.!?。]["\'”’)\]」』]*(?:\s+)|\n+')


def sentences(text):
    """[(begin, end)] of the sentences of `text`, in characters, white space at either side left out."""
    spans, begin = [], 0
    for match in END.finditer(text):
        if '\n' not in match.group():
            following = text[match.end():match.end() + 1]
            if following.islower() or NOT_AN_END.search(text[max(begin, match.start() - 12):match.start() + 1]):
                continue
        end = match.start() + len(match.group().rstrip())
        if end > begin:
            spans.append((begin, end))
        begin = match.end()
    if text[begin:].strip():
        spans.append((begin, len(text.rstrip())))
    return spans


def utf8_length(text):
    return len(text.encode())


def window(text, spans, rng, least=350, most=MOST_BYTES):
    """Cuts `text` to whole sentences around spans[0], its place among them chosen at random.

    -> (text, spans that lie inside, moved), or None where the sentence alone is longer than `most` bytes."""
    if utf8_length(text) <= most:
        return text, spans
    parts = sentences(text)
    first, last = spans[0] if spans else (rng.choice(parts)[0],) * 2
    low = max((i for i, part in enumerate(parts) if part[0] <= first), default=0)
    high = max(low, min((i for i, part in enumerate(parts) if part[1] >= last), default=len(parts) - 1))
    target = rng.randint(least, most)
    size = lambda a, b: utf8_length(text[parts[a][0]:parts[b][1]])
    if size(low, high) > most:
        return None
    blocked = set()
    while len(blocked) < 2:
        side = rng.choice([s for s in ('before', 'after') if s not in blocked])
        a, b = (low - 1, high) if side == 'before' else (low, high + 1)
        if a < 0 or b >= len(parts) or size(a, b) > target:
            blocked.add(side)
        else:
            low, high = a, b
    begin, end = parts[low][0], parts[high][1]
    return text[begin:end], [(a - begin, b - begin) for a, b in spans if begin <= a and b <= end]


WORD = re.compile(r'[a-z0-9]+|[가-힣]+')
STOP = frozenset('''a an the of in on at to for from by with and or as is are was were be been being do does did have has
had what which who whom whose when where why how that this these those it its he she they his her their him them i you
we my your our there than then into about over after before during between during s t not no can could would should will
may might many much some any also most more other one name called used kind type year time'''.split())
KOREAN_STOP = frozenset('무엇 무엇인가 누구 누구인가 언제 언제인가 어디 어디인가 어느 어떤 무슨 이름 이름은 것은 것 사람 사람은 '
                        '곳은 해는 위해 대한 하는 있는 한 이 그 몇 명은 및 등 또는'.split())


@functools.lru_cache(maxsize=1 << 20)
def stem(word):
    """A light English stem: enough for "invented", "invents" and "inventing" to meet."""
    for ending in ('ing', 'ied', 'ies', 'ed', 'es', 's', 'ly', 'e'):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            if ending == 's' and word.endswith('ss'):
                return word
            word = word[:-len(ending)]
            if ending in ('ied', 'ies'):
                word += 'y'
            break
    return word[:-1] if word.endswith('e') and len(word) > 4 else word


@functools.lru_cache(maxsize=1 << 18)
def _terms_of(word):
    if '가' <= word[0]:
        if word in KOREAN_STOP:
            return ()
        return tuple(word[i:i + 2] for i in range(len(word) - 1)) or (word,)
    return () if word in STOP else (stem(word),)


def terms(text):
    """The search terms of a text: English stems without stop words, Korean bigrams."""
    return [term for word in WORD.findall(text.lower()) for term in _terms_of(word)]


def bare(text):
    """For comparing answers: lower case, letters and digits only."""
    return re.sub(r'[\W_]+', '', text.lower())


def row(question, passage, spans, src, lang, weight=1.0):
    """One training row; `spans` in characters, the row's `answers` in bytes."""
    answers = [[utf8_length(passage[:a]), utf8_length(passage[:b])] for a, b in spans]
    return {'question': question, 'passage': passage, 'answers': answers, 'src': src, 'lang': lang, 'weight': weight}


def answer_texts(record):
    passage = record['passage'].encode()
    return [passage[a:b].decode() for a, b in record['answers']]


class MeasuredPassages:
    """Knows the passages and questions kept for measuring, to keep them out of the training data."""
    BLOCK = SHARED_CHARACTERS // 2  # every stretch of 60 characters holds a whole block of 30 that starts at a multiple

    def __init__(self, paths):
        contexts, self.questions = [], set()
        for path in paths:
            with open(path, encoding='utf-8') as file:
                for article in json.load(file)['data']:
                    for paragraph in article['paragraphs']:
                        contexts.append(self._squeeze(paragraph['context']))
                        self.questions.update(bare(qa['question']) for qa in paragraph['qas'])
        self.text = '\n'.join(contexts)
        self.blocks = {context[i:i + self.BLOCK] for context in contexts for i in range(len(context) - self.BLOCK + 1)}
        self.seen = {}

    @staticmethod
    def _squeeze(text):
        return re.sub(r'\s+', '', unicodedata.normalize('NFC', text)).lower()

    def overlaps(self, passage):
        """Whether `passage` shares SHARED_CHARACTERS characters in a row with a measured passage."""
        key = hash(passage)
        if key not in self.seen:
            text = self._squeeze(passage)
            self.seen[key] = any(
                text[begin:begin + SHARED_CHARACTERS] in self.text
                for i in range(0, len(text) - self.BLOCK + 1, self.BLOCK) if text[i:i + self.BLOCK] in self.blocks
                for begin in range(max(0, i - self.BLOCK), min(i, len(text) - SHARED_CHARACTERS) + 1))
        return self.seen[key]

    def asks(self, question):
        return bare(question) in self.questions
