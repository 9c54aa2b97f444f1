"""A CLIP object and a text -> every position of the conditioning that it makes, with the piece that stands there.

What each family does with its tokens (`comfy/sd1_clip.py`, `comfy/text_encoders/`): CLIP's chunks of 77 are laid one
after the other; SDXL lays its two encoders side by side, so a position means the same in both; SD3 puts T5 behind
CLIP; Flux uses T5 alone; Qwen-Image cuts the front of its chat template off, Z-Image does not.
"""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ....errors import PromptUnderstandingError
from ....prompts.spans import readable
from ....prompts.types import Token, TokenKind

IM_START = 151644
"""<|im_start|> of the Qwen vocabulary."""
USER_NEWLINE = (872, 198)
MARKS = ("</w>", "Ġ", "▁")
WHITESPACE = str.maketrans("", "", "ĠĊĉč▁")
"""Space, newline, tab and return as byte-level tokenizers spell them, and the space of SentencePiece."""
EMBEDDING = "embedding:"
TEMPLATE_HOLE = "\ue000"
"""A private character that no user writes: shows where a chat template puts the prompt."""

Entry = tuple[Any, ...]
Chunk = Sequence[Entry]


@dataclass(frozen=True)
class EncodedText:
    """What a text encoder makes of a text, before it runs."""

    tokens: tuple[Token, ...]
    length: int
    """Expected length of the conditioning."""
    encoder: str
    weights: bool
    """Whether brackets are weights; to LLM encoders they are text."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stream:
    """One encoder's part of the sequence."""

    tokens: tuple[Token, ...]
    length: int


Padding = Mapping[str, int]
"""ComfyUI's tokenizer options: the least length of an encoder's part."""


def read_tokens(clip: Any, text: str, padding: Padding | None = None) -> EncodedText:
    """Tokens of `text` with their positions in the conditioning that `clip` would make of it.

    Raises PromptUnderstandingError for a text encoder whose layout is not known.
    """
    if clip is None:
        raise PromptUnderstandingError(
            "No text encoder is connected: the CLIP input is empty. The checkpoint may hold none; load one with Load "
            "CLIP or DualCLIPLoader and connect it."
        )
    chunks = clip.tokenize(text, return_word_ids=True, **_options(padding))
    if not isinstance(chunks, Mapping):
        raise _unknown(clip, "a list that names no encoder")
    return _layout(frozenset(chunks), clip)(clip, text, chunks)


def tokenize(clip: Any, text: str, padding: Padding | None = None) -> Any:
    """For ComfyUI to encode."""
    return clip.tokenize(text, **_options(padding))


def padding_to(clip: Any, text: str, missing: int) -> Padding | None:
    """What makes the conditioning of `text` longer by `missing` tokens, with the encoder's own padding; None where no
    encoder pads as much as it is asked to. T5 does: it always pads a short text, in training too."""
    free = [(key, chunks) for key, chunks in clip.tokenize(text).items() if key.startswith("t5")]
    return {f"{key}_min_length": len(chunks[0]) + missing for key, chunks in free} or None


def _options(padding: Padding | None) -> dict[str, Any]:
    return {"tokenizer_options": dict(padding)} if padding else {}


def check_length(encoded: EncodedText, length: int, text: str) -> None:
    """Refuse a conditioning whose length is not that of its tokens: every position in it would be a guess."""
    if encoded.length != length:
        raise PromptUnderstandingError(
            f"The text encoder {encoded.encoder!r} made {length} positions of the prompt {text!r}, but its tokens are "
            f"{encoded.length}, so no word can be placed for certain. A node between the loader and this one may "
            "change how text is encoded; connect the CLIP of the loader, or encode with CLIP Text Encode and go "
            "without guidance."
        )


Layout = Callable[[Any, str, Mapping[str, Sequence[Chunk]]], EncodedText]


def _layout(keys: frozenset[str], clip: Any) -> Layout:
    if "llama_template" in vars(clip.tokenizer) and len(keys) == 1:
        return _template
    if len(keys) == 1:
        return _alone
    layouts: dict[frozenset[str], Layout] = {
        frozenset("lg"): _sdxl,
        frozenset({"l", "t5xxl"}): _flux,
        frozenset({"l", "g", "t5xxl"}): _sd3,
    }
    if keys not in layouts:
        raise _unknown(clip, f"the encoders {', '.join(sorted(keys))}")
    return layouts[keys]


def _unknown(clip: Any, found: str) -> PromptUnderstandingError:
    return PromptUnderstandingError(
        f"The text encoder {type(clip.cond_stage_model).__name__} is not known to Prompt Understanding: it works with "
        f"{found}, and where a word lies in its conditioning is not known. Known are the text encoders of SD1, SD2, "
        "SDXL, SD3, Flux, PixArt, Wan, Qwen-Image, Z-Image and our Shapes model. Encode this prompt with CLIP Text "
        "Encode."
    )


# --- families ---


def _alone(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> EncodedText:
    """One encoder, chunks in a row: SD1, SD2, Shapes, PixArt, Wan."""
    key = next(iter(chunks))
    stream = _stream(_tokenizer(clip, key), chunks[key], text)
    return EncodedText(stream.tokens, stream.length, _name(clip, key), True)


def _sdxl(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> EncodedText:
    stream, notes = _side_by_side(clip, text, chunks)
    return EncodedText(stream.tokens, stream.length, "l+g", True, notes)


def _flux(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> EncodedText:
    # CLIP-L only gives the pooled vector there.
    stream = _stream(_tokenizer(clip, "t5xxl"), chunks["t5xxl"], text)
    return EncodedText(stream.tokens, stream.length, "t5xxl", True)


def _sd3(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> EncodedText:
    """CLIP's positions first, then T5's. Each of the three encoders may be missing from the files."""
    model = clip.cond_stage_model
    clips = [key for key in ("l", "g") if getattr(model, f"clip_{key}", None) is not None]
    names, streams, notes = [], [], ()
    if clips:
        stream, notes = _side_by_side(clip, text, {key: chunks[key] for key in clips})
        streams.append(stream)
        names.append("+".join(clips))
    if getattr(model, "t5xxl", None) is not None:
        streams.append(_stream(_tokenizer(clip, "t5xxl"), chunks["t5xxl"], text))
        names.append("t5xxl")
    whole = _behind(streams)
    return EncodedText(whole.tokens, whole.length, ",".join(names), True, notes)


def _template(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> EncodedText:
    """A chat template around the text. Brackets are text there."""
    key = next(iter(chunks))
    tokenizer = _tokenizer(clip, key)
    entries = [entry for chunk in chunks[key] for entry in chunk]
    stream = _stream(tokenizer, [entries], text)
    before, behind = _template_ends(clip, text, key, tokenizer, entries)
    cut = _stripped(clip, [entry[0] for entry in entries])
    inside = range(before, len(stream.tokens) - behind)
    tokens = [
        token._replace(
            position=token.position - cut, kind=token.kind if i in inside or token.kind == "pad" else "template"
        )
        for i, token in enumerate(stream.tokens)
    ]
    return EncodedText(tuple(token for token in tokens if token.position >= 0), stream.length - cut, key, False)


def _template_ends(clip: Any, text: str, key: str, tokenizer: Any, entries: Chunk) -> tuple[int, int]:
    """How many tokens stand before and behind the prompt's own.

    Found by putting the template's two halves through the same tokenizer. Chat marks are tokens of their own, so
    nothing merges across them; a template that ends in plain letters is checked to be a prefix.
    """
    template = clip.tokenizer.llama_template
    if text.startswith(("<|im_start|>", "<|start_header_id|>")) or "{}" not in template:
        return 0, 0
    ids = [entry[0] for entry in entries if entry[0] != tokenizer.pad_token]
    left, right = (_ids(tokenizer, half) for half in template.format(TEMPLATE_HOLE).split(TEMPLATE_HOLE))
    if ids[: len(left)] != left or right and ids[-len(right) :] != right:
        raise PromptUnderstandingError(
            f"The text encoder {key!r} did not put its own chat template around the prompt {text!r}, so its words "
            "cannot be placed. A node may have changed the template; connect the CLIP of the loader."
        )
    return len(left), len(right) + len(entries) - len(ids)


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.tokenizer(text)["input_ids"])[tokenizer.tokens_start :] if text else []


def _stripped(clip: Any, ids: Sequence[Any]) -> int:
    """How many tokens the encoder cuts off the front: up to its second <|im_start|> and the word "user" behind it
    (`QwenImageTEModel.encode_token_weights`). Encoders that cut are those that can be told where."""
    if "template_end" not in inspect.signature(clip.cond_stage_model.encode_token_weights).parameters:
        return 0
    starts = [i for i, token in enumerate(ids) if isinstance(token, numbers.Integral) and token == IM_START]
    if not starts:
        return 0
    end = starts[:2][-1]
    named = len(ids) > end + 3 and tuple(ids[end + 1 : end + 3]) == USER_NEWLINE
    return end + 3 if named else end


# --- streams ---


def _behind(streams: Sequence[_Stream]) -> _Stream:
    tokens: list[Token] = []
    length = 0
    for stream in streams:
        tokens += [token._replace(position=token.position + length) for token in stream.tokens]
        length += stream.length
    return _Stream(tuple(tokens), length)


def _side_by_side(clip: Any, text: str, chunks: Mapping[str, Sequence[Chunk]]) -> tuple[_Stream, tuple[str, ...]]:
    """Two CLIPs joined along the channels: the shorter one sets the length. Positions are those of the first."""
    streams = {key: _stream(_tokenizer(clip, key), chunks[key], text) for key in sorted(chunks, key="lg".index)}
    first = next(iter(streams.values()))
    length = min(stream.length for stream in streams.values())
    kept = _Stream(tuple(token for token in first.tokens if token.position < length), length)
    notes = [_divergence(*streams.values())] if len(streams) == 2 else []
    return kept, tuple(note for note in notes if note)


def _divergence(first: _Stream, second: _Stream) -> str:
    for a, b in zip(first.tokens, second.tokens, strict=False):
        if a.kind != b.kind and "pad" not in (a.kind, b.kind) or a.text != b.text:
            return (
                f"From position {a.position} on, the two text encoders of this model see different words "
                f"({a.text or a.kind!r} and {b.text or b.kind!r}): an embedding has another length in one of them, or "
                "is missing there. Words behind it are placed by the first encoder (CLIP-L) only."
            )
    return ""


def _stream(tokenizer: Any, chunks: Sequence[Chunk], text: str) -> _Stream:
    """Chunks in a row. Vectors of a width that the encoder cannot use are dropped by ComfyUI: what follows in the chunk
    moves up, and padding fills the end (`SDClipModel.process_tokens`)."""
    names = _embedding_names(tokenizer, chunks, text)
    tokens: list[Token] = []
    offset = 0
    for chunk in chunks:
        kept = [entry for entry in chunk if not _dropped(tokenizer, entry)]
        pads = [(tokenizer.pad_token, 1.0, 0)] * (len(chunk) - len(kept))
        tokens += _chunk_tokens(tokenizer, [*kept, *pads], offset, names)
        offset += len(chunk)
    return _Stream(tuple(tokens), offset)


def _dropped(tokenizer: Any, entry: Entry) -> bool:
    return torch.is_tensor(entry[0]) and entry[0].shape[-1] != tokenizer.embedding_size


def _chunk_tokens(tokenizer: Any, chunk: Chunk, offset: int, names: Mapping[int, str]) -> Iterator[Token]:
    ended, previous = False, None
    for index, (piece, weight, word_id, *_) in enumerate(chunk):
        kind = _kind(tokenizer, piece, word_id, index, ended)
        ended = ended or kind == "end"
        if kind == "embedding":
            # Only the first vector of a run carries the name, so that two embeddings side by side stay apart.
            text = names.get(word_id, EMBEDDING) if word_id != previous else ""
        else:
            text = _spelled(tokenizer, piece) if kind == "word" else ""
        previous = word_id
        yield Token(offset + index, text, kind, float(weight))


def _kind(tokenizer: Any, piece: Any, word_id: int, index: int, ended: bool) -> TokenKind:
    if not isinstance(piece, numbers.Integral):
        return "embedding"
    if word_id:
        return "word"
    if index == 0 and piece == tokenizer.start_token:
        return "start"
    if not ended and piece == tokenizer.end_token:
        return "end"
    return "pad"


def _spelled(tokenizer: Any, piece: int) -> str:
    """The piece without word marks, its bytes read as text where they are whole characters."""
    raw = tokenizer.inv_vocab.get(int(piece), "")
    text = raw.removesuffix("</w>").translate(WHITESPACE)
    return readable(text) if _is_byte_level(tokenizer) else text


def _is_byte_level(tokenizer: Any) -> bool:
    vocabulary = tokenizer.inv_vocab.values()
    found = vars(tokenizer).get("_pu_byte_level")
    if found is None:
        found = tokenizer._pu_byte_level = any("Ã" in piece and len(piece) > 1 for piece in vocabulary)
    return found


def _embedding_names(tokenizer: Any, chunks: Sequence[Chunk], text: str) -> dict[int, str]:
    """Word id of each run of vectors -> "embedding:name", by order. Names whose file is missing made no vectors."""
    ids = dict.fromkeys(entry[2] for chunk in chunks for entry in chunk if torch.is_tensor(entry[0]))
    written = _written_embeddings(text)
    if len(written) != len(ids):
        written = [name for name in written if _exists(tokenizer, name)]
    return dict(zip(ids, (EMBEDDING + name.rstrip(",.;:") for name in written), strict=False))


def _written_embeddings(text: str) -> list[str]:
    """Names as the host cuts them: at a blank or an opening angle or square bracket, weight marks taken off."""
    names = []
    for part in text.replace("(", " ").replace(")", " ").split(EMBEDDING)[1:]:
        words = part.split()
        if words:
            names.append(words[0].split("<")[0].split("[")[0])
    return [name.split(":")[0] for name in names]


def _exists(tokenizer: Any, name: str) -> bool:
    return tokenizer.embedding_directory is not None and tokenizer._try_get_embedding(name)[0] is not None


def _tokenizer(clip: Any, key: str) -> Any:
    """The tokenizer of one encoder: "l" is `clip_l`, "t5xxl" is itself."""
    for name in (f"clip_{key}", key, getattr(clip.tokenizer, "clip", "")):
        found = getattr(clip.tokenizer, name, None) if name else None
        if found is not None and hasattr(found, "inv_vocab"):
            return found
    raise _unknown(clip, f"the encoder {key!r}, whose tokenizer cannot be found")


def _name(clip: Any, key: str) -> str:
    return getattr(clip.cond_stage_model, "encoder_name", key)
