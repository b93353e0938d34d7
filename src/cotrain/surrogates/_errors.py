"""What a design of subsets may lack without stopping the work."""


class DesignWarning(UserWarning):
    """The subsets cannot tell all that is asked of them; the message says what they cannot."""
