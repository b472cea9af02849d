"""Images: data, mixup, XResNet, transfer learning."""
