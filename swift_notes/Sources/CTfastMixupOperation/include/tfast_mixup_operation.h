#ifndef TFAST_MIXUP_OPERATION_H
#define TFAST_MIXUP_OPERATION_H

/* Nothing to call: opening the library in a process that has TensorFlow registers the
   operation TfastMixup. */

#endif
