"""Finds a strategy by the name of its file and builds it with checked parameters."""

import dataclasses
import difflib
import importlib
import typing
from decimal import Decimal
from pathlib import Path

import msgspec

from domain.errors import ConfigurationError
from strategies.base_strategy import BaseStrategy, Bounds

NOT_STRATEGIES = frozenset({"__init__", "base_strategy", "loader", "indicators"})
FOLDER = Path(__file__).parent


def available() -> list[str]:
    """Names of the strategies that there are: the files of this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NOT_STRATEGIES)


def load(name: str, parameters: dict[str, object]) -> BaseStrategy:
    """Build the strategy; raise ConfigurationError for an unknown name, parameter, type or range."""
    if name not in available():
        raise ConfigurationError(f"no strategy {name!r} in strategies/; {_close(name, available())}")
    return build(_strategy_class(name), parameters)


def build(strategy_class: type[BaseStrategy], parameters: dict[str, object]) -> BaseStrategy:
    """Check each parameter against its field and build the strategy."""
    name, fields = strategy_class.name, _parameters(strategy_class)
    for key in parameters:
        if key not in fields:
            raise ConfigurationError(
                f"[strategies.{name}] has no parameter {key!r}; {_close(key, list(fields))}"
            )
    values = {key: _convert(name, key, value, fields[key]) for key, value in parameters.items()}
    strategy = strategy_class(**values)
    for key, annotation in fields.items():
        _check_bounds(name, key, getattr(strategy, key), annotation)
    strategy.check()
    return strategy


def describe(strategy: BaseStrategy) -> dict[str, str]:
    """Its parameters as text, as they are stored with a session."""
    return {key: str(getattr(strategy, key)) for key in _parameters(type(strategy))}


def _strategy_class(name: str) -> type[BaseStrategy]:
    try:
        module = importlib.import_module(f"strategies.{name}")
    except Exception as error:  # supervised: a person's file may fail in any way, and the line says where
        raise ConfigurationError(
            f"strategies/{name}.py cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseStrategy) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ConfigurationError(
            f"strategies/{name}.py defines {len(classes)} strategies; one class derived from BaseStrategy is wanted"
        )
    return classes[0]


def _parameters(strategy_class: type[BaseStrategy]) -> dict[str, object]:
    hints = typing.get_type_hints(strategy_class, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(strategy_class) if field.init}  # type: ignore[arg-type]  # __init_subclass__ makes it a dataclass


def _convert(strategy: str, key: str, value: object, annotation: object) -> object:
    plain = (
        typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation
    )
    if plain is Decimal and isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    try:
        return msgspec.convert(value, plain, strict=True)
    except msgspec.ValidationError as error:
        wanted = getattr(plain, "__name__", str(plain))
        raise ConfigurationError(
            f"[strategies.{strategy}] {key} = {value!r} is not a {wanted}; {error}"
        ) from error


def _check_bounds(strategy: str, key: str, value: object, annotation: object) -> None:
    for bounds in typing.get_args(annotation)[1:]:
        if not isinstance(bounds, Bounds) or not isinstance(value, int | Decimal):
            continue
        if (isinstance(value, Decimal) and not value.is_finite()) or not bounds.low <= value <= bounds.high:
            raise ConfigurationError(
                f"[strategies.{strategy}] {key} = {value} is out of range; give {bounds.low} to {bounds.high}"
            )


def _close(name: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"close: {near[0]}" if near else f"there are: {', '.join(choices)}"
