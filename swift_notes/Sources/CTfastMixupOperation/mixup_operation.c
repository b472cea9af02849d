/* Registers the operation TfastMixup; its arithmetic is Swift. */
#include <stdio.h>

#include "tensorflow_functions.h"

/* TfastKernels/Mixup.swift */
extern int32_t tfast_blend_float32(const float *examples, const int32_t *partners,
                                   const float *weights, float *blended, intptr_t batch,
                                   intptr_t size);

static struct TensorFlow tf;

enum { MAX_RANK = 8 };

/* What is wrong with the inputs, or NULL. */
static const char *complaint(const TF_Tensor *examples, const TF_Tensor *partners,
                             const TF_Tensor *weights) {
  int rank = tf.TF_NumDims(examples);
  if (rank < 1 || rank > MAX_RANK) return "examples must have 1 to 8 axes";
  int64_t batch = tf.TF_Dim(examples, 0);
  if (tf.TF_NumDims(partners) != 1 || tf.TF_Dim(partners, 0) != batch)
    return "partners must have the shape (batch,)";
  if (tf.TF_NumDims(weights) != 1 || tf.TF_Dim(weights, 0) != batch)
    return "weights must have the shape (batch,)";
  return NULL;
}

static void blend(TF_OpKernelContext *context, const TF_Tensor *examples,
                  const TF_Tensor *partners, const TF_Tensor *weights, TF_Status *status) {
  const char *problem = complaint(examples, partners, weights);
  if (problem) {
    tf.TF_SetStatus(status, TF_INVALID_ARGUMENT, problem);
    return;
  }
  int64_t shape[MAX_RANK];
  int rank = tf.TF_NumDims(examples);
  for (int i = 0; i < rank; i++) shape[i] = tf.TF_Dim(examples, i);
  TF_Tensor *blended = tf.TF_AllocateOutput(context, 0, TF_FLOAT, shape, rank,
                                            tf.TF_TensorByteSize(examples), status);
  if (tf.TF_GetCode(status) == TF_OK && shape[0] > 0) {
    int32_t refused = tfast_blend_float32(
        tf.TF_TensorData(examples), tf.TF_TensorData(partners), tf.TF_TensorData(weights),
        tf.TF_TensorData(blended), (intptr_t)shape[0],
        (intptr_t)(tf.TF_TensorElementCount(examples) / shape[0]));
    if (refused)
      tf.TF_SetStatus(status, TF_INVALID_ARGUMENT, "partners must be positions in the batch");
  }
  if (blended) tf.TF_DeleteTensor(blended);
}

static void compute(void *kernel, TF_OpKernelContext *context) {
  (void)kernel;
  TF_Status *status = tf.TF_NewStatus();
  TF_Tensor *inputs[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3 && tf.TF_GetCode(status) == TF_OK; i++)
    tf.TF_GetInput(context, i, &inputs[i], status);
  if (tf.TF_GetCode(status) == TF_OK)
    blend(context, inputs[0], inputs[1], inputs[2], status);
  if (tf.TF_GetCode(status) != TF_OK) tf.TF_OpKernelContext_Failure(context, status);
  for (int i = 0; i < 3; i++)
    if (inputs[i]) tf.TF_DeleteTensor(inputs[i]);
  tf.TF_DeleteStatus(status);
}

/* The output has the shape of the examples. */
static void infer_shape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeHandle *shape = tf.TF_NewShapeHandle();
  tf.TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  if (tf.TF_GetCode(status) == TF_OK)
    tf.TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
  tf.TF_DeleteShapeHandle(shape);
}

__attribute__((constructor)) static void register_operation(void) {
  if (!tfast_find_tensorflow(&tf)) return;
  TF_Status *status = tf.TF_NewStatus();
  TF_OpDefinitionBuilder *definition = tf.TF_NewOpDefinitionBuilder("TfastMixup");
  tf.TF_OpDefinitionBuilderAddInput(definition, "examples: float");
  tf.TF_OpDefinitionBuilderAddInput(definition, "partners: int32");
  tf.TF_OpDefinitionBuilderAddInput(definition, "weights: float");
  tf.TF_OpDefinitionBuilderAddOutput(definition, "blended: float");
  tf.TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, infer_shape);
  tf.TF_RegisterOpDefinition(definition, status);
  if (tf.TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder *kernel =
        tf.TF_NewKernelBuilder("TfastMixup", "CPU", NULL, compute, NULL);
    tf.TF_RegisterKernelBuilder("TfastMixup", kernel, status);
  }
  if (tf.TF_GetCode(status) != TF_OK)
    fprintf(stderr, "TfastMixup was not registered: %s\n", tf.TF_Message(status));
  tf.TF_DeleteStatus(status);
}
