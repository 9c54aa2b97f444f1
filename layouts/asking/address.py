"""Which servers may be asked, and with which key. Workflows come from strangers: neither is theirs to say.

Servers on this computer may always be asked. Others only where whoever runs ComfyUI has named them in the environment
variable PROMPT_UNDERSTANDING_LLM_HOSTS. A key is taken from PROMPT_UNDERSTANDING_LLM_KEY and from nowhere else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...errors import PromptUnderstandingError

HOSTS, KEY = "PROMPT_UNDERSTANDING_LLM_HOSTS", "PROMPT_UNDERSTANDING_LLM_KEY"
ENDPOINT = "/chat/completions"


@dataclass(frozen=True)
class Address:
    secure: bool
    host: str
    port: int
    path: str
    key: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"


def address_of(url: str, environment: Mapping[str, str]) -> Address:
    """Raises PromptUnderstandingError for what is no address, or a server that may not be asked."""
    written = url.strip()
    try:
        parts = urlsplit(written)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise PromptUnderstandingError(
            f"{written!r} is no address of a server. It looks like http://127.0.0.1:8080/v1 (llama.cpp) or "
            "http://127.0.0.1:11434/v1 (Ollama), without a name or password in it."
        )
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    local = is_loopback(host)
    if not local and not _allowed(host, port, environment.get(HOSTS, "")):
        raise PromptUnderstandingError(
            f"{host!r} is not this computer, and workflows may not send your prompts elsewhere unless you allow it. "
            f"Put the name into the environment variable {HOSTS} (several with commas) and start ComfyUI again."
        )
    key = environment.get(KEY, "").strip() or None
    if key is not None and not secure and not local:
        raise PromptUnderstandingError(f"A key is set, and {host!r} would get it unencrypted. Use an https address.")
    return Address(secure, host, port, _path(parts.path), key)


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _allowed(host: str, port: int, listed: str) -> bool:
    names = {name.strip().lower() for name in listed.split(",") if name.strip()}
    return bool(names & {host.lower(), f"{host.lower()}:{port}"})


def _path(path: str) -> str:
    base = path.rstrip("/")
    return base if base.endswith(ENDPOINT) else (base or "/v1") + ENDPOINT
