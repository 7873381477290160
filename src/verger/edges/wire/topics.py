"""Topic filters of MQTT against topics."""


def covering(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter covers a topic; `+` stands for one level, `#` at the end for all that follow."""
    if "+" not in topic_filter and "#" not in topic_filter:
        return topic_filter == topic
    wanted, given = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)
