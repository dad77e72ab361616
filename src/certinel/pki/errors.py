"""What can be wrong with what a person gives us to make certificates of."""


class PkiError(ValueError):
    """Base of these errors; the message is a sentence for the person at the keyboard and holds no secret."""


class NotAKeyError(PkiError):
    """The bytes are not a private key that we can use."""


class PassphraseRequiredError(PkiError):
    """The key or store is encrypted and no passphrase was given."""

    def __init__(self) -> None:
        super().__init__("it is encrypted; its passphrase is needed")


class WrongPassphraseError(PkiError):
    """The passphrase does not open the key or store."""

    def __init__(self) -> None:
        super().__init__("the passphrase does not open it")


class UnusablePassphraseError(PkiError):
    """The passphrase cannot protect what it is meant to protect."""


class NotACertificateError(PkiError):
    """The text is not one or more certificates in PEM."""


class NotARequestError(PkiError):
    """The bytes are not a certificate signing request."""


class NotAStoreError(PkiError):
    """The bytes are not a PKCS#12 store."""


class AliasTakenError(PkiError):
    """A store has an entry of that alias already."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"the store has an entry {alias!r} already")


class NotAnAuthorityError(PkiError):
    """A certificate or key cannot issue certificates, or not this one."""


class UnusableNameError(PkiError):
    """A name cannot stand in a certificate."""


class UnusableValidityError(PkiError):
    """A certificate cannot be valid for that time."""
