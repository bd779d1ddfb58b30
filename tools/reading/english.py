"""English questions made from the English Wikipedia: statements turned into questions, definitions and facts asked for."""
import collections, re

from .rows import STOP, WORD, base_title, clean, sentences

MONTH = r'(?:January|February|March|April|May|June|July|August|September|October|November|December)'
DATE = rf'(?:\d{{1,2}} {MONTH} \d{{3,4}}|{MONTH} \d{{1,2}}, \d{{4}}|{MONTH} \d{{4}}|(?:1[0-9]|20)\d\d)'
NAME = r"(?:[A-Z][\w'’-]+|[A-Z]\.)(?: (?:(?:of|the|de|la|von|van|du|del|and the|of the) )?(?:[A-Z][\w'’-]+|[A-Z]\.))*"
AFTER = r'(?=$|,| (?:in|on|at|to|for|with|from|by|as|during|after|before|until|under|against|through|over|into|near|when|where|who|which|that)\b)'  # a name ends here
SMALL = 'two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty'
IRREGULAR = dict(pair.split(':') for pair in '''became:become began:begin brought:bring built:build came:come chose:choose drew:draw fell:fall fought:fight
found:find gave:give got:get grew:grow held:hold kept:keep knew:know laid:lay led:lead left:leave lost:lose made:make met:meet put:put ran:run rose:rise
said:say saw:see sent:send set:set shot:shoot sold:sell spent:spend spoke:speak stood:stand swore:swear taught:teach threw:throw told:tell took:take
understood:understand went:go won:win wore:wear wrote:write bought:buy broke:break caught:catch cut:cut drove:drive hit:hit sang:sing sat:sit shut:shut
struck:strike felt:feel flew:fly forbade:forbid wed:wed paid:pay beat:beat bore:bear bound:bind rode:ride sank:sink sought:seek spread:spread thought:think
withdrew:withdraw overthrew:overthrow oversaw:oversee underwent:undergo gained:gain'''.split())
AUXILIARIES = ('was', 'were', 'is', 'are', 'has', 'had', 'can', 'could', 'would', 'may', 'might', 'will', 'must')
PERSON = frozenset('''actor actress singer politician writer author novelist poet player footballer painter composer philosopher mathematician physicist chemist scientist
economist historian general king queen emperor president minister lawyer businessman musician guitarist rapper director producer screenwriter comedian journalist
architect engineer inventor explorer saint bishop pope theologian wrestler boxer golfer swimmer athlete racer driver astronaut biologist botanist astronomer psychologist
artist sculptor photographer dancer model activist revolutionary soldier officer admiral nobleman prince princess duke playwright dramatist critic songwriter drummer pianist
conductor cricketer pitcher quarterback coach manager entrepreneur industrialist judge diplomat missionary priest monk linguist sociologist anthropologist surgeon physician'''.split())
PLACE = frozenset('''city town village country state province county region island river mountain lake capital borough district municipality republic kingdom nation continent
suburb port peninsula territory commune valley park archipelago sea bay ocean desert area street neighborhood'''.split())
THING = frozenset('''film movie album song single book novel band group company university college school team club language game series show magazine newspaper organization
party religion war battle treaty disease drug element compound mineral species genus breed bird fish plant animal dish drink instrument sport event festival
award software system car aircraft ship bridge building museum church castle station airport railway road theory concept act law agency institution museum
tribe dynasty empire planet comic character play opera musical poem symphony franchise award league network channel corporation organisation publication
vehicle weapon machine device protocol file format'''.split())
DEFINED = re.compile(r'^(?P<subject>.{1,160}?) (?:is|was|are|were) (?P<said>(?:an?|the|one of the) [^.;]+)')


def head_noun(said):
    """The class of "an American film actor who ...": actor."""
    phrase = re.split(r' (?:who|which|that|of|in|at|from|for|by|on|with|known|born|based|located|founded|and|or|to|used)\b|,', said)[0]
    for word in reversed(re.findall(r'[a-z]+', phrase)):
        if word in PERSON or word in PLACE or word in THING:
            return word
    return None


class Lexicon:
    """What a first pass learns: the class of each article's subject, and which words are verbs."""

    def __init__(self, articles, _):
        self.kind, self.verbs = {}, collections.Counter()
        for number, article in enumerate(articles):
            title = base_title(clean(article['title']))
            m = DEFINED.match(clean(article['text'][:500]))
            noun = m and head_noun(m['said'])
            if noun and title[:1].isupper():
                self.kind[title] = ('person' if noun in PERSON else 'place' if noun in PLACE else 'thing'), {'capital': 'city'}.get(noun, noun)
            if number % 8 == 0:
                self.verbs.update(re.findall(r"\b(?:to|would|could|did not|will) ([a-z]+)\b", article['text'][:30000]))

    def base(self, verb):
        """The infinitive of a simple past, or None."""
        if verb in IRREGULAR:
            return IRREGULAR[verb]
        if not verb.endswith('ed') or len(verb) < 4:
            return None
        stems = [verb[:-1], verb[:-2]]
        if verb.endswith('ied'):
            stems.append(verb[:-3] + 'y')
        if len(verb) > 5 and verb[-3] == verb[-4]:
            stems.append(verb[:-3])
        best = max(stems, key=lambda stem: self.verbs[stem])
        return best if self.verbs[best] > 1 else None

    def class_of(self, name):
        """(type, class noun) of a name, by its article or by its last word; type 'name' where neither tells."""
        if name in self.kind:
            return self.kind[name]
        last = name.split()[-1].lower()
        if ' ' in name and last in THING | PLACE:
            return ('place' if last in PLACE else 'thing'), last
        return 'name', ''


FRONT = re.compile(r'^(?:In|On|By|During|After|Since|From|At|For|Following) [^,]{3,60}, ')
DETERMINERS = frozenset('the a an his her its their this these of and to in by for with as'.split())
ADVERBS = frozenset('also later then first officially originally subsequently soon initially eventually finally quickly often'.split())
PRONOUN = re.compile(r'^(?:He|She|It|They)$')


class Statement:
    """A sentence cut into front phrase, subject, verb and the rest; `ok` where the cut is safe."""

    def __init__(self, text, title, lexicon):
        self.ok = False
        name = base_title(title)
        text = re.sub(r' ?\([^()]*\)', '', text)
        if re.search(r'[:\[\]()]|formula_', text):
            return
        front = FRONT.match(text)
        self.front = front.group() if front else ''
        words = text[len(self.front):].rstrip('.').split()
        at = next((i for i, w in enumerate(words) if i and words[i - 1].lower() not in DETERMINERS and
                   (w in AUXILIARIES or (w.islower() and lexicon.base(w)))), None)
        if at is None or at > 8:
            return
        self.verb, self.rest = words[at], ' '.join(words[at + 1:])
        self.adverb = words[at - 1] + ' ' if words[at - 1] in ADVERBS and at > 1 else ''
        self.subject = ' '.join(words[:at - 1] if self.adverb else words[:at])
        if len(self.subject.split()) > 8 or ',' in self.subject or re.search(r'\b(?:who|which|that|and|but|if|when|while|as)\b', self.subject):
            return
        if not self.subject or re.match(r'(?:Although|While|When|As|If|Because|Despite|Though|Once|Where|What|How|Not|Only|Both|Unlike|Like|With|By|Then|Also|Later|Soon|The (?:following|next|same|previous))\b', self.subject) or (' ' not in self.subject and (self.subject.endswith('ly') or lexicon.verbs[self.subject.lower()])):
            return
        if PRONOUN.match(self.subject) and self.subject != 'They':
            self.subject = name
        elif not re.match(rf"^(?:The |A |An |Its |His |Her |Their |This |These |{NAME}$)", self.subject):
            return
        if re.match(r'^(?:This|These|Their|Another)', self.subject):
            return
        if re.match(r'^(?:His|Her|Its) ', self.subject):
            self.subject = name + "'s " + self.subject.split(' ', 1)[1]
        elif re.match(r'^(?:The|A|An) ', self.subject):
            self.subject = self.subject[0].lower() + self.subject[1:]
        self.rest = re.split(r'; |, (?:which|who|where|although|though|but|while|with|and|so|as|when|because|making|leading|including)\b| and (?=he |she |it |they |was |were )', self.rest)[0].rstrip(',')
        self.rest = self._one_clause(self.rest, lexicon)
        self.base = lexicon.base(self.verb)
        self.ok = 3 <= len(self.rest.split()) <= 22

    @staticmethod
    def _one_clause(rest, lexicon):
        """Up to an "and" or "but" that begins another verb."""
        words = rest.split()
        for i in range(2, len(words) - 1):
            if words[i] in ('and', 'but') and (words[i + 1] in AUXILIARIES or words[i + 1] in ADVERBS or (words[i + 1].islower() and lexicon.base(words[i + 1]))):
                return ' '.join(words[:i]).rstrip(',')
        return rest

    def inverted(self, rest):
        """"was X built ..." or "did X build ..."."""
        rest = rest.strip(' ,')
        if self.verb in AUXILIARIES:
            return f'{self.verb} {"there" if self.subject == "There" else self.subject} {rest}'.strip()
        return f'did {self.subject} {self.base} {rest}'.strip()


def in_which(kind, noun):
    return f'which {noun}' if noun else {'person': 'whom', 'place': 'where', 'name': 'what', 'thing': 'what'}[kind]


def statement_questions(statement, lexicon, rng):
    """[(question, answer text, kind)] of one statement."""
    s, out = statement, []
    whole = s.front + s.rest
    when = re.search(rf"(?:(?P<word>in|on|since|until|by|In|On|Since|By|during) )(?:the )?(?P<date>{DATE})(?=$|[ ,])", whole)
    if when:
        rest = (s.rest[:when.start() - len(s.front)] + s.rest[when.end() - len(s.front):]) if when.start() >= len(s.front) else s.rest
        rest = re.sub(r'\s+', ' ', rest).strip(' ,')
        date = when['date']
        year = re.search(r'\d{3,4}$', date)
        if rest and not re.search(r'(?:between|from|and|or|the|of|to)$', rest):
            if when['word'].lower() in ('since', 'until', 'by'):
                out.append((f"{when['word'].capitalize()} when {s.inverted(rest)}?", date, 'date'))
            elif date.isdigit() or rng.random() < 0.3:
                out.append((rng.choice(['In what year {}?', 'In which year {}?', 'When {}?', 'What year {}?']).format(s.inverted(rest)), year.group(), 'date'))
            else:
                out.append((rng.choice(['When {}?', 'When {}?', 'On what date {}?' if when['word'].lower() == 'on' else 'When {}?']).format(s.inverted(rest)), date, 'date'))
    number = re.search(rf"(?<!\S)(?P<number>\d(?:[\d,.]*\d)?(?: (?:million|billion|thousand))?|{SMALL}) (?P<noun>(?:[a-z-]+ )?[a-z]{{3,}}s|people|men|women|children)\b", s.rest)
    if number and not number['noun'].endswith(('ss', ' is', ' was', 'es as')) and not re.match(r'(?:is|was|has|as|and|or)\b', number['noun']) and not re.fullmatch(r'(?:1[5-9]|20)\d\d', number['number']):
        before, after = s.rest[:number.start()], s.rest[number.end():]
        counted = re.fullmatch(r'([a-z]+) ', before)
        if s.subject == 'There' and s.verb in AUXILIARIES:
            if not before.strip():
                out.append((f"How many {number['noun']} {s.verb} there {after}?", number['number'], 'number'))
        elif s.verb in ('has', 'had') and not before.strip():
            out.append((f"How many {number['noun']} {'does' if s.verb == 'has' else 'did'} {s.subject} have {after}?", number['number'], 'number'))
        elif counted and s.verb in ('can', 'could', 'would', 'may', 'will', 'has', 'had', 'were', 'was'):
            out.append((f"How many {number['noun']} {s.verb} {s.subject} {counted[1]} {after}?", number['number'], 'number'))
        elif not before.strip() and s.base:
            out.append((f"How many {number['noun']} {s.inverted(after)}?", number['number'], 'number'))
        elif not re.search(r'(?:first|last|of|the|than|or|and|to)\s$', before):
            out.append((f"{s.subject[0].upper()}{s.subject[1:]} {s.verb} {before}how many {number['noun']}{after}?", number['number'], 'number'))
    is_name = re.fullmatch(NAME, s.subject)
    if is_name:
        kind, noun = lexicon.class_of(s.subject)
        if kind == 'person':
            out.append((f'Who {s.adverb}{s.verb} {s.rest}?', s.subject, 'subject'))
        elif kind != 'name' and not re.search(rf'\b{noun}s?\b', s.rest):
            out.append((rng.choice([f'Which {noun} {s.verb} {s.rest}?', f'What {noun} {s.verb} {s.rest}?', f'What {s.verb} {s.rest}?']), s.subject, 'subject'))
    agent = re.search(rf'^(?P<participle>[a-z]+(?:ed|en|wn|t|ade|ung|old|uilt|ought|ound)) (?P<between>[^,]*?)by (?:the )?(?P<by>{NAME}){AFTER}(?P<after>.*)$', s.rest)
    if agent and s.verb in ('was', 'were', 'is', 'are'):
        kind, noun = lexicon.class_of(agent['by'])
        who = 'Who' if kind == 'person' else f'Which {noun}' if noun else 'Who'
        if agent['participle'].endswith('ed') and s.verb in ('was', 'were') and not agent['between']:
            out.append((f"{who} {agent['participle']} {s.subject}{agent['after']}?", agent['by'], 'agent'))
        out.append((f"By {'whom' if who == 'Who' else who.lower()} {s.verb} {s.subject} {agent['participle']} {agent['between']}{agent['after']}?", agent['by'], 'agent'))
    for m in re.finditer(rf'(?<!\S)(?P<word>in|at|to|from|near|for|with|of|as) (?:the )?(?P<name>{NAME}){AFTER}', s.rest):
        name, word = m['name'], m['word']
        if re.search(DATE, name) or name.split()[0] in MONTH or len(name) < 4:
            continue
        kind, noun = lexicon.class_of(name)
        rest = s.rest[:m.start()] + s.rest[m.end():]
        if m.group().endswith(name) and s.rest[m.end():m.end() + 2] == ', ' and kind == 'place':
            rest = s.rest[:m.start()] + re.sub(r'^, [A-Z]\w+,?', '', s.rest[m.end():])
        if kind == 'place' and word in ('in', 'at', 'near'):
            out.append((rng.choice([f'Where {s.inverted(rest)}?', f'In {in_which(kind, noun)} {s.inverted(rest)}?']) if noun else f'Where {s.inverted(rest)}?', name, 'place'))
        elif noun and word != 'of':
            out.append((f'{word.capitalize()} which {noun} {s.inverted(rest)}?', name, kind))
        elif kind == 'person' or noun:
            out.append((f"{s.subject[0].upper()}{s.subject[1:]} {s.verb} {s.rest[:m.start()]}{word} {'which ' + noun if noun else 'whom'}{s.rest[m.end():]}?", name, kind))
    thing = re.match(rf'(?P<the>the |an |a )?(?P<name>"[^"]{{3,40}}"|{NAME}){AFTER}(?P<after>.*)$', s.rest)
    if thing and s.base:
        kind, noun = lexicon.class_of(thing['name'].strip('"'))
        question = f"{'Whom' if kind == 'person' and not noun else 'What ' + noun if noun else 'What'} {s.inverted(thing['after'])}?"
        out.append((question.replace('What ', rng.choice(['What ', 'Which ']) if noun else 'What '), thing['name'].strip('"'), 'object'))
    plain = re.match(r"(?P<name>(?:the|an|a) (?:[a-z-]+ ){1,3}?)(?P<after>(?:in|at|of|for|to|from|with|on|by|as) .+)$", s.rest)
    if plain and s.base and not re.search(r'(?:ed|ing) $|^the same|^a (?:few|number|lot)', plain['name']) and not plain['after'].startswith('of'):
        out.append((f"What {s.inverted(plain['after'])}?", plain['name'].strip(), 'object'))
    return out


def varied(question, rng):
    """Leaves out closing phrases, and sometimes writes as people type into a search box."""
    words = question.rstrip('?').split(' ')
    if len(words) > 14 or (len(words) > 9 and rng.random() < 0.4):
        cut = [i for i, w in enumerate(words) if w in ('in', 'at', 'for', 'with', 'from', 'by', 'on', 'during', 'after', 'under') and i >= 6]
        if cut:
            asked = max((i for i, w in enumerate(words) if w.lower() in ('which', 'whom', 'what', 'how', 'where', 'when', 'who')), default=0)
            cut = [i for i in cut if i > asked + 3] or [len(words)]
            words = words[:rng.choice(cut)]
    text = ' '.join(words)
    text = re.sub(r'\s+([,.])', r'\1', re.sub(r'\s+', ' ', text)).strip(' ,')
    if rng.random() < 0.12:
        return text.lower()
    if rng.random() < 0.06:
        content = [w for w in text.split() if w.lower().strip(',') not in STOP]
        if len(content) >= 3:
            return ' '.join(content).lower()
    return text + '?'


DANGLING = re.compile(r' (?:and|or|the|of|a|an|to|but|than|is|was|were|did|from|by)\??$|[:;]|\b(?:in|of|to|for|with) (?:in|of|to|for|by|from|with)\b')


BORN = re.compile(rf'\((?:[^()]*?[;,] )?(?:born )?(?P<birth>\d{{1,2}} {MONTH} \d{{4}}|{MONTH} \d{{1,2}}, \d{{4}})(?: (?:–|-) (?P<death>\d{{1,2}} {MONTH} \d{{4}}|{MONTH} \d{{1,2}}, \d{{4}}))?[^()]*\)')
FACTS = [
    (rf'born (?:on [^.]{{5,25}} )?in (?P<value>{NAME}(?:, {NAME})?)', ['Where was {} born?', 'What is the birthplace of {}?', '{} birthplace', 'In what city was {} born?']),
    (r'population (?:of|was|is) (?:about |approximately |around |over |nearly )?(?P<value>\d[\d,.]*\d(?: million)?)', ['What is the population of {}?', 'How many people live in {}?', '{} population', 'What was the population of {}?']),
    (rf'(?:founded|established|incorporated) (?:on|in) (?P<value>{DATE})', ['When was {} founded?', 'In what year was {} established?', 'When was {} established?', '{} founded']),
    (rf'founded (?:in \d+ )?by (?P<value>{NAME}(?: and {NAME})?)', ['Who founded {}?', 'Who was the founder of {}?', 'founder of {}', 'By whom was {} founded?']),
    (rf'written by (?:\w+ (?:author|writer|novelist) )?(?P<value>{NAME}(?: and {NAME})?)', ['Who wrote {}?', 'Who is the author of {}?', 'author of {}', 'who wrote {}']),
    (rf'directed by (?P<value>{NAME}(?: and {NAME})?)', ['Who directed {}?', 'Who was the director of {}?', 'director of {}', 'who directed {}']),
    (rf'produced by (?P<value>{NAME}(?: and {NAME})?)', ['Who produced {}?', 'Who was the producer of {}?']),
    (rf'developed by (?P<value>{NAME})', ['Who developed {}?', 'What company developed {}?', 'developer of {}']),
    (rf'published by (?P<value>{NAME})', ['Who published {}?', 'Who is the publisher of {}?']),
    (rf'released (?:on|in) (?P<value>{DATE})', ['When was {} released?', 'When did {} come out?', '{} release date']),
    (rf'located (?:in|on|near) (?P<value>(?:the )?[^.,;()]{{3,50}}?{NAME}(?:, {NAME})?)(?=[.,;])', ['Where is {} located?', 'Where is {}?', 'What is the location of {}?', '{} location']),
    (rf'(?:its|The) capital(?: city)? is (?P<value>{NAME})', ['What is the capital of {}?', 'Which city is the capital of {}?', '{} capital']),
    (rf'headquarter(?:ed|s are|s is) in (?P<value>{NAME}(?:, {NAME})?)', ['Where is {} headquartered?', 'Where are the headquarters of {}?']),
    (r'also (?:known|referred to) as (?:the )?"?(?P<value>[^,.;()"]{3,40}?)"?(?=[,.;(]| is| was)', ['What is another name for {}?', 'What is {} also known as?', 'What else is {} called?']),
    (rf'starring (?P<value>{NAME}(?:(?:, {NAME})*,? and {NAME})?)', ['Who starred in {}?', 'Who stars in {}?', 'cast of {}']),
]
FACTS = [(re.compile(pattern), templates) for pattern, templates in FACTS]


def definition_and_facts(title, paragraph, lexicon, rng):
    """Yields (question, begin, end, kind) from an article's first paragraph."""
    name = base_title(title)
    first = sentences(paragraph)[0]
    text = paragraph[first[0]:first[1]]
    m = DEFINED.match(text)
    kind, noun = lexicon.kind.get(name, ('', ''))
    if m and name.split()[-1].lower() in m['subject'].lower():
        begin, said = m.start('said'), m['said']
        short = re.split(r',| (?:who|which|that|whose|where)\b', said)[0]
        if '(' not in short and not re.search(r' [A-Z]$|formula_', short) and not re.search(rf'{MONTH} \d+$', short) and 2 <= len(short.split()) <= 14:
            past = text[m.end('subject'):begin].strip() in ('was', 'were')
            name_in = ('the ' + name) if re.match(r'The ', m['subject']) and not name.startswith('The ') else name
            asked = rng.choice(['Who {v} {n}?', 'Who {v} {n}?', 'who {v} {n}'] if kind == 'person' else
                               ['What {v} {n}?', 'What {v} {n}?', 'what {v} {n}', 'What is meant by {n}?', 'Define {n}.', 'What does {n} mean?' if name.islower() else 'What {v} {n}?'])
            skip = 0 if rng.random() < 0.5 else len(re.match(r'(?:an?|the|one of the) ', short).group())
            if short.startswith('one of'):
                skip = 0
            yield asked.format(v='was' if past else 'is', n=name_in), begin + skip, begin + len(short), 'definition'
    born = BORN.search(text)
    if born and kind == 'person':
        yield rng.choice(['When was {} born?', 'When was {} born?', "What is {}'s date of birth?", '{} date of birth', 'when was {} born', 'On what date was {} born?']).format(name), *born.span('birth'), 'fact'
        if born['death']:
            yield rng.choice(['When did {} die?', 'When did {} die?', "What was the date of {}'s death?", 'when did {} die', 'On what day did {} die?']).format(name), *born.span('death'), 'fact'
    for pattern, templates in FACTS:
        found = pattern.search(paragraph)
        if found and not (kind == 'person' and ('located' in templates[0] or 'population' in templates[0])):
            yield rng.choice(templates).format(name), *found.span('value'), 'fact'


def questions(title, paragraphs, lexicon, rng, most=40):
    """Yields (question, paragraph number, begin, end of the answer, kind, sentence asked about)."""
    for question, begin, end, kind in definition_and_facts(title, paragraphs[0], lexicon, rng):
        yield question, 0, begin, end, kind, None
    found = [(i, a, b) for i, text in enumerate(paragraphs) for a, b in sentences(text) if 45 < b - a < 220]
    rng.shuffle(found)
    whole = '\n'.join(paragraphs)
    for i, a, b in found[:most]:
        statement = Statement(paragraphs[i][a:b], title, lexicon)
        if not statement.ok:
            continue
        made = statement_questions(statement, lexicon, rng)
        rng.shuffle(made)
        made.sort(key=lambda entry: whole.count(entry[1]) < 2)  # what is told twice first
        for question, answer, kind in made[:2]:
            question = varied(question, rng)
            lower = question.lower()
            if len(question.split()) < 5 or DANGLING.search(question) or any(len(w) > 3 and w.lower() in lower for w in WORD.findall(answer.lower())):
                continue
            if answer.endswith(("'s", '’s')) or answer in ('This', 'These', 'There', 'They'):
                continue
            if paragraphs[i][a:b].count(answer) == 1:
                at = paragraphs[i].index(answer, a)
                yield question, i, at, at + len(answer), 'cloze ' + kind, (a, b)
