"""Training: one classifier from one mixture, with equally many optimiser steps in every arm."""
