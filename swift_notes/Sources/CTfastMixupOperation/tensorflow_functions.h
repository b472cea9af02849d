/* The part of TensorFlow's C interface that one operation needs, looked up when the library is
   opened. Written down here because tensorflow/c/ops.h is no valid C, kernels.h needs C++
   headers, and the package builds where there is no TensorFlow.
   Source: TensorFlow 2.21, tensorflow/c/{ops,kernels,tf_status,tf_tensor}.h. */
#ifndef TFAST_TENSORFLOW_FUNCTIONS_H
#define TFAST_TENSORFLOW_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TF_Status TF_Status;
typedef struct TF_Tensor TF_Tensor;
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;

enum { TF_FLOAT = 1, TF_OK = 0, TF_INVALID_ARGUMENT = 3 };

typedef void (*ShapeFunction)(TF_ShapeInferenceContext *, TF_Status *);
typedef void *(*CreateFunction)(TF_OpKernelConstruction *);
typedef void (*ComputeFunction)(void *, TF_OpKernelContext *);
typedef void (*DeleteFunction)(void *);

/* X(what it returns, its name, its parameters) */
#define TENSORFLOW_FUNCTIONS(X)                                                               \
  X(TF_Status *, TF_NewStatus, (void))                                                        \
  X(void, TF_DeleteStatus, (TF_Status *))                                                     \
  X(void, TF_SetStatus, (TF_Status *, int, const char *))                                     \
  X(int, TF_GetCode, (const TF_Status *))                                                     \
  X(const char *, TF_Message, (const TF_Status *))                                            \
  X(TF_OpDefinitionBuilder *, TF_NewOpDefinitionBuilder, (const char *))                      \
  X(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder *, const char *))           \
  X(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder *, const char *))          \
  X(void, TF_OpDefinitionBuilderSetShapeInferenceFunction,                                    \
    (TF_OpDefinitionBuilder *, ShapeFunction))                                                \
  X(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder *, TF_Status *))                   \
  X(TF_ShapeHandle *, TF_NewShapeHandle, (void))                                              \
  X(void, TF_DeleteShapeHandle, (TF_ShapeHandle *))                                           \
  X(void, TF_ShapeInferenceContextGetInput,                                                   \
    (TF_ShapeInferenceContext *, int, TF_ShapeHandle *, TF_Status *))                         \
  X(void, TF_ShapeInferenceContextSetOutput,                                                  \
    (TF_ShapeInferenceContext *, int, TF_ShapeHandle *, TF_Status *))                         \
  X(TF_KernelBuilder *, TF_NewKernelBuilder,                                                  \
    (const char *, const char *, CreateFunction, ComputeFunction, DeleteFunction))            \
  X(void, TF_RegisterKernelBuilder, (const char *, TF_KernelBuilder *, TF_Status *))          \
  X(void, TF_GetInput, (TF_OpKernelContext *, int, TF_Tensor **, TF_Status *))                \
  X(TF_Tensor *, TF_AllocateOutput,                                                           \
    (TF_OpKernelContext *, int, int, const int64_t *, int, size_t, TF_Status *))              \
  X(void, TF_OpKernelContext_Failure, (TF_OpKernelContext *, TF_Status *))                    \
  X(int, TF_NumDims, (const TF_Tensor *))                                                     \
  X(int64_t, TF_Dim, (const TF_Tensor *, int))                                                \
  X(int64_t, TF_TensorElementCount, (const TF_Tensor *))                                      \
  X(size_t, TF_TensorByteSize, (const TF_Tensor *))                                           \
  X(void *, TF_TensorData, (const TF_Tensor *))                                               \
  X(void, TF_DeleteTensor, (TF_Tensor *))

/* In this library's own table, so that no name clashes with TensorFlow's. */
struct TensorFlow {
#define FIELD(result, name, parameters) result(*name) parameters;
  TENSORFLOW_FUNCTIONS(FIELD)
#undef FIELD
};

/* False where the process has no TensorFlow, or one that lacks a function. */
bool tfast_find_tensorflow(struct TensorFlow *functions);

#endif
