from ._prepare import Prepared as Prepared, prepare as prepare
