"""The scorer without trained weights: does this mouth move with the audio?"""
