"""The scorer that needs no trained weights: does this mouth move as the audio says it should?"""
