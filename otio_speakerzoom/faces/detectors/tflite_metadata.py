"""Adds the metadata on its input range to a TFLite model, which MediaPipe Tasks requires.

The published BlazeFace files carry no metadata, and MediaPipe refuses a float model that does not
state how its input is scaled ("requires specifying NormalizationOptions metadata"). The metadata is
a flatbuffer of its own (file identifier M001, metadata_schema.fbs) in an additional buffer of the
model, named TFLITE_METADATA in the model's list of metadata:
https://ai.google.dev/edge/litert/models/metadata
"""

from __future__ import annotations

import flatbuffers
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.metadata import schema_py_generated as tflite

# BlazeFace's input runs from -1 to 1: (value - 127.5) / 127.5 for value 0 to 255. MediaPipe,
# face_detection.cc: set_output_tensor_float_range -1..1.
_MEAN = 127.5
_STD = 127.5

_MODEL_IDENTIFIER = b"TFL3"  # schema.fbs: file_identifier, bytes 4 to 8 of the file
_BUFFER_ALIGNMENT = 16  # bytes; schema.fbs: `data:[ubyte] (force_align: 16)` of table Buffer


class _AlignedBuffer(tflite.BufferT):
    """A buffer aligned for vector units, which the generated code forgets."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (flatbuffers' own name)
        if self.data is not None:
            builder.Prep(_BUFFER_ALIGNMENT, len(self.data))
        return super().Pack(builder)


def with_normalisation(model_bytes: bytes) -> bytes:
    """Return the TFLite model with metadata that its input is scaled from 0..255 to -1..1.

    Weights and graph stay as they are. Deterministic; ValueError for bytes that are not
    a TFLite model.
    """
    if model_bytes[4:8] != _MODEL_IDENTIFIER:
        raise ValueError("not a TFLite model")
    model = tflite.ModelT.InitFromPackedBuf(model_bytes)
    normalisation = np.frombuffer(_normalisation(), dtype=np.uint8)
    buffers = [*(model.buffers or ()), tflite.BufferT(data=normalisation)]  # pyright: ignore
    model.buffers = [_AlignedBuffer(b.data, b.offset, b.size) for b in buffers]
    entry = tflite.MetadataT(name="TFLITE_METADATA", buffer=len(buffers) - 1)  # pyright: ignore
    model.metadata = [*(model.metadata or ()), entry]
    return _serialized(model, _MODEL_IDENTIFIER)


def _normalisation() -> bytes:
    """Return the metadata flatbuffer: one input tensor, normalised by `_MEAN` and `_STD`."""
    scaling = schema.NormalizationOptionsT(mean=[_MEAN], std=[_STD])  # pyright: ignore
    unit = schema.ProcessUnitT(schema.ProcessUnitOptions.NormalizationOptions, scaling)  # pyright: ignore
    image = schema.TensorMetadataT(name="image", processUnits=[unit])  # pyright: ignore
    graph = schema.SubGraphMetadataT(inputTensorMetadata=[image])  # pyright: ignore
    return _serialized(schema.ModelMetadataT(subgraphMetadata=[graph]), b"M001")  # pyright: ignore


def _serialized(table: tflite.ModelT | schema.ModelMetadataT, identifier: bytes) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(table.Pack(builder), file_identifier=identifier)
    return bytes(builder.Output())
