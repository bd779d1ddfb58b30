"""Mixed requests of tenants, each with its canary: a word that no other tenant's answers may hold. Used by soak.py and
crash.py."""
import random

SHARED = ("You are a careful assistant of a small company. Answer briefly and in plain words. Do not guess: say when "
          "something is not known. Repeat names and words exactly as they were given to you. ")
KINDS = ("chat", "chat_stream", "completion", "completion_stream", "embedding", "tokenize", "schema", "tool", "probe")
PROBES = 3  # of each tenant


class Tenant:
    def __init__(self, key, rng):
        self.key, self.rng = key, rng
        # Syllables that no prompt and no English text holds, so a model can only have it from a prompt.
        self.canary = "".join(rng.choice("bdfgkmpvz") + rng.choice("aiou") for _ in range(5))
        self.probes = {}  # [number]: (body, text of the first answer to it)

    def request(self, model):
        """(kind, path, body): a prompt begins as everybody's, goes on with the canary, and ends differently each time."""
        rng = self.rng
        kind = rng.choice(KINDS)
        if kind == "probe":
            number = rng.randrange(PROBES)
            body, _ = self.probes.setdefault(number, (self.completion(model) | {"max_tokens": 16}, None))
            return (kind, number), "/v1/completions", body
        body = self.completion(model)
        if kind == "embedding":
            return kind, "/v1/embeddings", {"model": model, "input": [body["prompt"], self.canary]}
        if kind == "tokenize":
            return kind, "/v1/tokenize", {"model": model, "text": body["prompt"]}
        if kind.endswith("_stream"):
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if kind.startswith("completion"):
            return kind, "/v1/completions", body
        prompt = body.pop("prompt")
        body["messages"] = [{"role": "system", "content": SHARED}, {"role": "user", "content": prompt[len(SHARED):]}]
        # A form with the canary: a compiled one of another tenant would show in the answer.
        form = {"type": "object", "required": ["word"], "properties": {"word": {"enum": [self.canary, self.canary * 2]}}}
        if kind == "schema":
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": form}}
        if kind == "tool":
            body |= {"tools": [{"type": "function", "function": {"name": "look_up", "parameters": form}}],
                     "tool_choice": "required"}
        return kind, "/v1/chat/completions", body

    def completion(self, model):
        rng = self.rng
        words = " ".join([self.canary] * rng.randint(3, 24))
        return {"model": model, "prompt": f"{SHARED}{words} and {rng.randint(1, 9)} {self.canary}",
                "max_tokens": rng.randint(1, 40), "temperature": rng.choice((0, 0.7, 1.0)),
                "seed": rng.randint(0, 1 << 30)}

    def same_as_before(self, number, answer):
        """Whether a probe was answered as the first time."""
        body, before = self.probes[number]
        if before is None:
            self.probes[number] = (body, answer.text)
        return before in (None, answer.text)


def tenants_of(server, count, seed):
    return [Tenant(server.create_key(f"tenant-{i}"), random.Random(seed * 1000 + i)) for i in range(count)]


def foreign_canaries(tenants, own, answer):
    text = answer.text + answer.raw.decode(errors="replace")
    return [t.canary for t in tenants if t is not own and t.canary in text]
