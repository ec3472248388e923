"""What the kubelet does to arguments and to values of variables before a container starts."""


def expand(text: str, variables: dict[str, str]) -> str:
    """Expand $(NAME) as the kubelet does: $$ is $, an unknown name stays as written."""
    expanded, rest = [], text
    while rest:
        if rest.startswith("$$"):
            expanded.append("$")
            rest = rest[2:]
        elif rest.startswith("$(") and ")" in rest:
            name, _, rest = rest[2:].partition(")")
            expanded.append(variables.get(name, f"$({name})"))
        else:
            expanded.append(rest[0])
            rest = rest[1:]
    return "".join(expanded)
